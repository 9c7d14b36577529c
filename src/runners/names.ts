/** The runners of this version by name: what a plan is checked against, without loading any adapter. */
export const RUNNER_NAMES = ['codex_cli', 'command', 'scripted', 'claude_code', 'acp', 'pi_rpc'] as const
