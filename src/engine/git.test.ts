/** Keeping working trees in real repositories of every shape, and that nothing of the user's is touched by it. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { execWith } from '../runners/exec.ts'
import { disk } from '../store/files.ts'
import { systemClock } from './clock.ts'
import { findRepository, type GitPorts, git, type Repository } from './git.ts'
import { rawOf, shownPath, textOf } from './git-path.ts'
import { keepTree, keptTrees, leftOutLines, rescueRef, treeAt } from './rescue-refs.ts'
import { withScratch } from './scratch.ts'
import { FILE_BYTES_MAX, readWorkingTree } from './working-tree.ts'

const top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-git-')))
const home = path.join(top, 'home')
fs.mkdirSync(home)
fs.writeFileSync(
  path.join(home, '.gitconfig'),
  '[user]\n\tname = T\n\temail = t@example.invalid\n[init]\n\tdefaultBranch = main\n',
)
const environment = { PATH: process.env.PATH, HOME: home }
const NOW = { deadlineMs: Number.POSITIVE_INFINITY }

let count = 0
const opened: string[] = []
afterEach(() => {
  for (const folder of opened.splice(0)) fs.rmSync(folder, { recursive: true, force: true })
})

const ports = (changes: Partial<GitPorts> = {}): GitPorts => ({
  exec: execWith(systemClock),
  files: disk,
  clock: systemClock,
  environment,
  ...changes,
})

const sh = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** Whether git is older than that. */
function isBefore(major: number, minor: number): boolean {
  const [, own = 0, minorOwn = 0] = /(\d+)\.(\d+)/.exec(sh(top, '--version'))?.map(Number) ?? []
  return own < major || (own === major && minorOwn < minor)
}

const folder = (): string => {
  const made = path.join(top, `case-${++count}`)
  fs.mkdirSync(made)
  opened.push(made)
  return made
}

const put = (root: string, name: string, content: string | Buffer = `${name}\n`): void => {
  fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
  fs.writeFileSync(path.join(root, name), content)
}

/** A repository with one commit: `kept.txt`, `src/a.txt`, and an ignored folder. */
function repository(): string {
  const root = folder()
  sh(root, 'init', '--quiet')
  for (const name of ['kept.txt', 'src/a.txt']) put(root, name)
  put(root, '.gitignore', 'ignored/\n')
  sh(root, 'add', '.')
  sh(root, 'commit', '--quiet', '-m', 'first')
  put(root, 'ignored/secret.txt')
  put(root, 'millrace-agents/state/snapshot.json')
  put(root, 'millrace-agents/.gitignore', '*\n')
  return root
}

async function found(root: string, given = ports()): Promise<Repository> {
  const protection = await findRepository(given, root)
  if (!protection.on) throw new Error(protection.reason)
  return protection.repository
}

/** Keeps the working tree of a workspace; gives the ref, what it holds, and what was left out. */
async function keep(root: string, given = ports(), name = `r${++count}`) {
  const where = await found(root, given)
  const ref = rescueRef('run-1', name)
  const { tree, leftOut } = await withScratch(disk, path.join(top, `scratch-${name}`), (scratch) => {
    fs.chmodSync(scratch, 0o777)
    return readWorkingTree(where, { scratch, ...NOW })
  })
  const origin = { subject: 'Kept', workspace: root, run_id: 'run-1', request_id: name, node_id: 'build' }
  await keepTree(where, { ref, tree, leftOut, origin }, NOW)
  return { ref, tree, leftOut: leftOutLines(leftOut), repository: where }
}

const held = (root: string, ref: string): string[] =>
  sh(root, 'ls-tree', '-r', '--full-tree', '--name-only', '-z', ref).split('\0').filter(Boolean)
const content = (root: string, ref: string, name: string): string => sh(root, 'show', `${ref}:${name}`)

/** Everything of the user's that keeping a tree must leave as it is. */
function belongings(root: string) {
  const gitDir = sh(root, 'rev-parse', '--absolute-git-dir').trim()
  const index = path.join(gitDir, 'index')
  const isThere = fs.existsSync(index)
  const names = (fs.readdirSync(gitDir, { recursive: true }) as string[])
    .filter((name) => !/^objects(\/|$)|^refs\/millrace/.test(name))
    .sort()
  return {
    index: isThere ? fs.readFileSync(index, 'latin1') : null,
    time: isThere ? String(fs.statSync(index, { bigint: true }).mtimeNs) : null,
    inode: isThere ? fs.statSync(index).ino : null,
    links: isThere ? fs.statSync(index).nlink : null,
    head: fs.readFileSync(path.join(gitDir, 'HEAD'), 'utf8'),
    names,
    status: execFileSync('git', ['--no-optional-locks', 'status', '--porcelain=v2', '--untracked-files=all', '-z'], {
      cwd: root,
      env: environment,
      encoding: 'latin1',
    }),
    stash: sh(root, 'stash', 'list'),
    reflog: fs.existsSync(path.join(gitDir, 'logs/HEAD'))
      ? fs.readFileSync(path.join(gitDir, 'logs/HEAD'), 'utf8')
      : '',
    branches: sh(root, 'for-each-ref', 'refs/heads', 'refs/tags', 'refs/remotes', 'refs/stash'),
  }
}

/** Keeps a tree and holds against it that nothing of the user's differs afterwards. */
async function keepQuietly(root: string, given?: GitPorts) {
  const before = belongings(root)
  const kept = await keep(root, given)
  expect(belongings(root)).toEqual(before)
  return kept
}

/** A program in place of git that does something first. */
function wrapped(script: string): GitPorts {
  const bin = folder()
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
  fs.writeFileSync(path.join(bin, 'git'), `#!/bin/sh\n${script.replaceAll('GIT', real)}\n`, { mode: 0o755 })
  return ports({ environment: { ...environment, PATH: `${bin}:${process.env.PATH}` } })
}

describe('a kept tree', () => {
  test('holds tracked, staged, edited, new and removed files as they are on the disk, and nothing that is ignored', async () => {
    const root = repository()
    put(root, 'kept.txt', 'edited\n')
    put(root, 'staged.txt', 'staged\n')
    sh(root, 'add', 'staged.txt')
    put(root, 'staged.txt', 'edited after it was staged\n')
    put(root, 'new/deep.txt')
    fs.rmSync(path.join(root, 'src/a.txt'))
    const { ref, leftOut } = await keepQuietly(root)
    expect(held(root, ref)).toEqual(['.gitignore', 'kept.txt', 'new/deep.txt', 'staged.txt'])
    expect(content(root, ref, 'kept.txt')).toBe('edited\n')
    expect(content(root, ref, 'staged.txt')).toBe('edited after it was staged\n')
    expect(leftOut).toEqual([])
  })

  test('of an untouched checkout is the tree of its commit', async () => {
    const root = repository()
    const { tree } = await keepQuietly(root)
    expect(tree).toBe(sh(root, 'rev-parse', 'HEAD^{tree}').trim())
  })

  test('lies on top of HEAD and says where it comes from', async () => {
    const root = repository()
    put(root, 'new.txt')
    const { ref, repository: where } = await keepQuietly(root)
    expect(sh(root, 'rev-parse', `${ref}^`)).toBe(sh(root, 'rev-parse', 'HEAD'))
    expect(await keptTrees(where, NOW)).toMatchObject([
      { ref, workspace: root, run_id: 'run-1', node_id: 'build', left_out: [], kept_at: expect.stringMatching(/Z$/) },
    ])
    expect(sh(root, 'log', '-1', '--format=%an <%ae>', ref)).toBe('Millrace <rescue@millrace.invalid>\n')
  })

  test('is found again under its ref, and one that was never kept is not', async () => {
    const root = repository()
    const { ref, tree, repository: where } = await keep(root)
    expect(await treeAt(where, ref, NOW)).toBe(tree)
    expect(await treeAt(where, `${ref}-other`, NOW)).toBeNull()
  })

  test('is never replaced by another under the same ref', async () => {
    const root = repository()
    const { ref } = await keep(root, ports(), 'twice')
    const first = sh(root, 'rev-parse', ref)
    put(root, 'new.txt')
    await expect(keep(root, ports(), 'twice')).rejects.toMatchObject({ code: 'git_failed' })
    expect(sh(root, 'rev-parse', ref)).toBe(first)
  })

  test('has the same id as long as nothing changed, whatever was touched', async () => {
    const root = repository()
    const { tree } = await keep(root)
    const later = new Date(Date.now() + 5000)
    fs.utimesSync(path.join(root, 'kept.txt'), later, later)
    put(root, 'ignored/more.txt')
    put(root, 'millrace-agents/runs/x.md')
    put(root, 'ideas/inbox/idea.md')
    expect((await keepQuietly(root)).tree).toBe(tree)
  })

  test('sees an edit of the same size within the tick of the clock in which the file was staged', async () => {
    const root = repository()
    // git compares times by the second here, so that all three fall into one.
    for (const [name, value] of Object.entries({ 'core.trustctime': 'false', 'core.checkStat': 'minimal' }))
      sh(root, 'config', name, value)
    const tick = new Date(Math.floor(Date.now() / 1000) * 1000 - 10_000)
    const setTime = (name: string) => fs.utimesSync(path.join(root, name), tick, tick)
    put(root, 'racy.txt', 'old\n')
    setTime('racy.txt')
    sh(root, 'add', 'racy.txt')
    put(root, 'racy.txt', 'new\n')
    setTime('racy.txt')
    setTime('.git/index')
    const { ref } = await keepQuietly(root)
    expect(content(root, ref, 'racy.txt')).toBe('new\n')
  })
})

describe('own folders', () => {
  test('do not count, even where the user has put them under version control or keeps them from being ignored', async () => {
    const root = repository()
    fs.rmSync(path.join(root, 'millrace-agents/.gitignore'))
    for (const name of ['millrace-agents/tasks/t.md', '.millstone/c.toml', '.millracer/x', 'ideas/inbox/i.md'])
      put(root, name)
    put(root, 'ideas/kept.md')
    sh(root, 'add', '.')
    sh(root, 'commit', '--quiet', '-m', 'with tasks')
    const before = await keepQuietly(root)
    expect(held(root, before.ref)).toEqual(['.gitignore', 'ideas/kept.md', 'kept.txt', 'src/a.txt'])
    put(root, 'millrace-agents/tasks/t.md', 'edited\n')
    put(root, 'millrace-agents/tasks/u.md')
    put(root, 'millrace-agents/.gitignore', '*\n')
    sh(root, 'add', '--force', 'millrace-agents/tasks/u.md')
    fs.rmSync(path.join(root, '.millstone/c.toml'))
    expect((await keepQuietly(root)).tree).toBe(before.tree)
  })

  test('are those of the workspace, where it is a folder of the repository', async () => {
    const root = repository()
    put(root, 'app/main.txt')
    put(root, 'app/millrace-agents/state/x.json')
    const { ref, repository: where } = await keepQuietly(path.join(root, 'app'))
    expect(where).toMatchObject({ top: root, prefix: 'app/' })
    expect(held(root, ref)).toEqual(['.gitignore', 'app/main.txt', 'kept.txt', 'src/a.txt'])
  })
})

describe('a repository', () => {
  test('without commits is kept, and the tree has no parent', async () => {
    const root = folder()
    sh(root, 'init', '--quiet')
    put(root, 'new.txt')
    const { ref } = await keepQuietly(root)
    expect(held(root, ref)).toEqual(['new.txt'])
    expect(sh(root, 'log', '--format=%P', ref)).toBe('\n')
  })

  test('with nothing in it at all is kept too', async () => {
    const root = folder()
    sh(root, 'init', '--quiet')
    const { ref } = await keepQuietly(root)
    expect(held(root, ref)).toEqual([])
  })

  test('with a detached HEAD is kept', async () => {
    const root = repository()
    sh(root, 'checkout', '--quiet', '--detach')
    put(root, 'new.txt')
    expect(held(root, (await keepQuietly(root)).ref)).toContain('new.txt')
  })

  test('with SHA-256 ids is kept', async () => {
    const root = folder()
    sh(root, 'init', '--quiet', '--object-format=sha256')
    put(root, 'new.txt')
    const { tree, ref } = await keepQuietly(root)
    expect(tree).toMatch(/^[0-9a-f]{64}$/)
    expect(held(root, ref)).toEqual(['new.txt'])
  })

  test('as a linked working tree is kept by itself, its ref seen from all of them', async () => {
    const root = repository()
    const linked = path.join(folder(), 'linked tree')
    sh(root, 'worktree', 'add', '--quiet', linked, '-b', 'other')
    put(linked, 'only-there.txt')
    put(root, 'only-here.txt')
    const { ref } = await keepQuietly(linked)
    expect(held(root, ref)).toEqual(['.gitignore', 'kept.txt', 'only-there.txt', 'src/a.txt'])
  })

  test('with submodules keeps the commit they stand at, and of embedded repositories says that there is not more', async () => {
    const library = repository()
    const root = repository()
    sh(root, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'lib')
    sh(root, 'commit', '--quiet', '-m', 'lib')
    for (const name of ['embedded', 'empty']) {
      fs.mkdirSync(path.join(root, name))
      sh(path.join(root, name), 'init', '--quiet')
    }
    put(root, 'embedded/x.txt')
    sh(path.join(root, 'embedded'), 'add', '.')
    sh(path.join(root, 'embedded'), 'commit', '--quiet', '-m', 'x')
    put(root, 'lib/kept.txt', 'edited inside\n')
    sh(path.join(root, 'lib'), 'commit', '--quiet', '-am', 'moved on')
    const { ref, leftOut } = await keepQuietly(root)
    const modes = sh(root, 'ls-tree', ref).split('\n')
    const at = sh(path.join(root, 'lib'), 'rev-parse', 'HEAD').trim()
    expect(modes).toContain(`160000 commit ${at}\tlib`)
    expect(leftOut).toEqual([
      'embedded/: a repository of its own; at most the commit it stands at is kept',
      'empty/: a repository of its own; at most the commit it stands at is kept',
    ])
  })

  test('in the middle of a merge is kept with its conflict markers, and stays in the middle of it', async () => {
    const root = repository()
    sh(root, 'checkout', '--quiet', '-b', 'theirs')
    put(root, 'kept.txt', 'theirs\n')
    sh(root, 'commit', '--quiet', '-am', 'theirs')
    sh(root, 'checkout', '--quiet', 'main')
    put(root, 'kept.txt', 'ours\n')
    sh(root, 'commit', '--quiet', '-am', 'ours')
    expect(() => sh(root, 'merge', '--quiet', 'theirs')).toThrow()
    const { ref } = await keepQuietly(root)
    expect(content(root, ref, 'kept.txt')).toContain('<<<<<<<')
    expect(sh(root, 'ls-files', '--unmerged')).toContain('kept.txt')
  })

  test('whose index somebody left locked is kept', async () => {
    const root = repository()
    fs.writeFileSync(path.join(root, '.git/index.lock'), '')
    put(root, 'new.txt')
    expect(held(root, (await keepQuietly(root)).ref)).toContain('new.txt')
    expect(fs.existsSync(path.join(root, '.git/index.lock'))).toBe(true)
  })

  test('with a split index or a sparse checkout is kept whole', async () => {
    const split = repository()
    sh(split, 'config', 'core.splitIndex', 'true')
    put(split, 'staged.txt')
    sh(split, 'add', 'staged.txt')
    put(split, 'new.txt')
    expect(held(split, (await keepQuietly(split)).ref)).toEqual([
      '.gitignore',
      'kept.txt',
      'new.txt',
      'src/a.txt',
      'staged.txt',
    ])
    const sparse = repository()
    put(sparse, 'far/b.txt')
    sh(sparse, 'add', '.')
    sh(sparse, 'commit', '--quiet', '-m', 'far')
    sh(sparse, 'sparse-checkout', 'set', '--sparse-index', 'src')
    expect(fs.existsSync(path.join(sparse, 'far/b.txt'))).toBe(false)
    put(sparse, 'src/new.txt')
    put(sparse, 'outside/new.txt')
    const { ref } = await keepQuietly(sparse)
    expect(held(sparse, ref)).toEqual([
      '.gitignore',
      'far/b.txt',
      'kept.txt',
      'outside/new.txt',
      'src/a.txt',
      'src/new.txt',
    ])
  })
})

describe('files that git is told to look away from', () => {
  test('are kept as they are: assume-unchanged, skip-worktree, intent-to-add', async () => {
    const root = repository()
    for (const name of ['assumed.txt', 'skipped.txt', 'gone.txt']) put(root, name)
    sh(root, 'add', '.')
    sh(root, 'commit', '--quiet', '-m', 'more')
    sh(root, 'update-index', '--assume-unchanged', 'assumed.txt')
    sh(root, 'update-index', '--skip-worktree', 'skipped.txt', 'gone.txt')
    put(root, 'assumed.txt', 'edited though assumed unchanged\n')
    put(root, 'skipped.txt', 'edited though skipped\n')
    fs.rmSync(path.join(root, 'gone.txt'))
    put(root, 'intended.txt')
    sh(root, 'add', '--intent-to-add', 'intended.txt')
    put(root, '.gitignore', 'ignored/\nskipped.txt\n')
    const { ref } = await keepQuietly(root)
    expect(content(root, ref, 'assumed.txt')).toBe('edited though assumed unchanged\n')
    expect(content(root, ref, 'skipped.txt')).toBe('edited though skipped\n')
    expect(content(root, ref, 'intended.txt')).toBe('intended.txt\n')
    expect(sh(root, 'ls-files', '-v', 'assumed.txt', 'skipped.txt')).toBe('h assumed.txt\nS skipped.txt\n')
  })
})

describe('file names', () => {
  test('of every kind are kept: blanks, line breaks, quotes, a leading dash, magic, letters and bytes that are no text', async () => {
    const root = repository()
    const names = ['a b', 'line\nbreak', 'quo"te', "apo'strophe", '-dash', ':(top)magic', '*', 'tab\t', 'ünï', '日本']
    for (const name of names) put(root, name, 'x\n')
    const bytes = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff, 0xfe])])
    fs.writeFileSync(bytes, 'bytes\n')
    const { ref } = await keepQuietly(root)
    const listed = execFileSync('git', ['ls-tree', '-z', '--name-only', ref], { cwd: root, env: environment })
    const kept = listed.toString('latin1').split('\0')
    expect(kept).toEqual(expect.arrayContaining([...names.map(rawOf), 'f\xff\xfe']))
  })

  test('of a folder with a line break does not mislead', async () => {
    const root = path.join(folder(), 'odd\nname')
    fs.mkdirSync(root)
    sh(root, 'init', '--quiet')
    put(root, 'new.txt')
    expect(held(root, (await keepQuietly(root)).ref)).toEqual(['new.txt'])
  })

  test('are shown on one line each, and as text where they are text', () => {
    expect(shownPath(rawOf('ünï b'))).toBe('ünï b')
    expect(shownPath('a\nb')).toBe('"a\\nb"')
    expect(shownPath('f\xff')).toBe('"f\\377"')
    expect(shownPath('"q')).toBe('"\\"q"')
    expect(textOf('f\xff')).toBeNull()
  })
})

describe('what is not kept is named', () => {
  test('a new file above the bound is, and the rest is kept', async () => {
    const root = repository()
    put(root, 'new.txt')
    fs.closeSync(fs.openSync(path.join(root, 'big [1].bin'), 'w'))
    fs.truncateSync(path.join(root, 'big [1].bin'), FILE_BYTES_MAX + 1)
    const { ref, leftOut } = await keepQuietly(root)
    expect(held(root, ref)).toEqual(['.gitignore', 'kept.txt', 'new.txt', 'src/a.txt'])
    expect(leftOut).toEqual(['big [1].bin: larger than 100 MiB'])
  })

  test('a file that cannot be read is, and the rest is kept', async () => {
    const root = repository()
    for (const name of ['new.txt', 'locked.txt', 'closed/x.txt']) put(root, name)
    const given = unprivileged(root)
    fs.chmodSync(path.join(root, 'locked.txt'), 0)
    const { ref, leftOut } = await keep(root, given)
    sh(root, 'config', '--global', 'safe.directory', root)
    expect(held(root, ref)).toEqual(['.gitignore', 'closed/x.txt', 'kept.txt', 'new.txt', 'src/a.txt'])
    expect(leftOut).toEqual(['locked.txt: git could not read it'])
  })

  test('a file that vanishes meanwhile keeps nothing else from being kept', async () => {
    const root = repository()
    for (const name of ['new.txt', 'brief.txt']) put(root, name)
    const { ref, leftOut } = await keep(
      root,
      wrapped(`case "$*" in *" add --all"*) rm -f brief.txt ;; esac\nexec GIT "$@"`),
    )
    expect(held(root, ref)).toEqual(['.gitignore', 'kept.txt', 'new.txt', 'src/a.txt'])
    expect(leftOut).toEqual([])
  })
})

/** git as a user who is not root, to whom the repository is given; without root the tests run as such a user already. */
function unprivileged(root: string): GitPorts {
  if (process.getuid?.() !== 0) return ports()
  execFileSync('chown', ['-R', '65534:65534', root])
  for (const folder of [top, home]) fs.chmodSync(folder, 0o777)
  return wrapped(`umask 0\nexec setpriv --reuid 65534 --regid 65534 --clear-groups GIT "$@"`)
}

describe('where nothing can be kept, that is said', () => {
  const refusal = async (root: string, given = ports()) => {
    const protection = await findRepository(given, root)
    return protection.on ? 'on' : `${protection.reason} → ${protection.remedy}`
  }

  test('outside a repository, without starting a program', async () => {
    const root = folder()
    const exec = () => Promise.reject(new Error('a program was started'))
    expect(await refusal(root, ports({ exec }))).toBe(
      `${root} is not in a git repository. → make it one with: git -C ${root} init`,
    )
  })

  test('without git', async () => {
    const root = repository()
    expect(await refusal(root, ports({ environment: { PATH: folder() } }))).toContain('no program git on the PATH')
  })

  test('where the repository belongs to somebody else, until the user trusts it', async () => {
    const root = repository()
    if (process.getuid?.() !== 0) return
    execFileSync('chown', ['-R', '65534:65534', root])
    expect(await refusal(root)).toContain(`git config --global --add safe.directory ${root}`)
    const config = path.join(home, '.gitconfig')
    const text = fs.readFileSync(config, 'utf8')
    fs.appendFileSync(config, `[safe]\n\tdirectory = ${root}\n`)
    expect(await refusal(root)).toBe('on')
    fs.writeFileSync(config, text)
  })

  test('where the repository around a workspace ignores it', async () => {
    const root = repository()
    expect(await refusal(path.join(root, 'ignored'))).toContain('ignores')
  })

  test('where a .git is no repository, or has no working tree', async () => {
    const broken = folder()
    put(broken, '.git', 'gitdir: /nowhere\n')
    expect(await refusal(broken)).toContain('cannot use the repository')
    const bare = repository()
    sh(bare, 'config', 'core.bare', 'true')
    expect(await refusal(bare)).toContain('no working tree')
    expect(await refusal(path.join(bare, '.git'))).toContain('no working tree')
  })

  test('where the git folder cannot be written; reading the tree works all the same', async () => {
    const root = repository()
    put(root, 'new.txt')
    const given = unprivileged(root)
    execFileSync('chmod', ['-R', 'a-w', path.join(root, '.git')])
    await expect(keep(root, given)).rejects.toMatchObject({ code: 'git_failed' })
    const where = await found(root, given)
    const read = await withScratch(disk, path.join(top, 'scratch-quarantine'), async (scratch) => {
      fs.mkdirSync(path.join(scratch, 'objects'))
      for (const name of ['', 'objects']) fs.chmodSync(path.join(scratch, name), 0o777)
      const { tree, env } = await readWorkingTree(where, { scratch, ...NOW, quarantine: true })
      return git(where, ['ls-tree', '--name-only', tree], { ...NOW, env })
    })
    expect(read).toContain('new.txt')
    execFileSync('chmod', ['-R', 'u+w', path.join(root, '.git')])
  })

  test('where git takes too long, within the bound', async () => {
    const root = repository()
    const where = await found(root, wrapped(`case "$*" in *ls-files*) sleep 60 ;; esac\nexec GIT "$@"`))
    const began = performance.now()
    const deadlineMs = systemClock.monotonicMs() + 300
    const read = withScratch(disk, path.join(top, 'scratch-slow'), (scratch) =>
      readWorkingTree(where, { scratch, deadlineMs }),
    )
    await expect(read).rejects.toMatchObject({
      code: 'git_failed',
      message: 'git ls-files took too long and was ended.',
    })
    expect(performance.now() - began).toBeLessThan(3000)
  })
})

describe('the settings of the user', () => {
  test('do not interfere: hooks, fsmonitor, signing, quoting, aliases, and variables of our own process', async () => {
    const root = repository()
    const alarm = path.join(folder(), 'alarm')
    const hook = `#!/bin/sh\ntouch '${alarm}'\nexit 1\n`
    for (const name of ['reference-transaction', 'post-index-change', 'pre-commit'])
      fs.writeFileSync(path.join(root, '.git/hooks', name), hook, { mode: 0o755 })
    const monitor = path.join(root, '.git/monitor')
    fs.writeFileSync(monitor, hook, { mode: 0o755 })
    const settings = {
      'core.fsmonitor': monitor,
      'commit.gpgsign': 'true',
      'gpg.program': monitor,
      'core.quotepath': 'true',
      'core.logAllRefUpdates': 'always',
      'core.safecrlf': 'true',
      'core.autocrlf': 'input',
      'alias.add': '!exit 1',
      'add.ignoreErrors': 'false',
      'diff.orderFile': '/nowhere',
      'i18n.commitEncoding': 'latin1',
    }
    put(root, 'mixed.txt', 'a\r\nb\n')
    put(root, 'ünï.txt')
    const given = ports({
      environment: { ...environment, GIT_DIR: '/nowhere', GIT_INDEX_FILE: '/nowhere', GIT_WORK_TREE: '/nowhere' },
    })
    for (const [name, value] of Object.entries(settings)) sh(root, 'config', name, value)
    const { ref } = await keep(root, given)
    expect(held(root, ref)).toEqual(['.gitignore', 'kept.txt', 'mixed.txt', 'src/a.txt', 'ünï.txt'])
    expect(fs.existsSync(path.join(root, '.git/logs', ref))).toBe(false)
    expect(fs.existsSync(alarm)).toBe(false)
  })

  test('may ignore files for all their repositories; those are not kept', async () => {
    const root = repository()
    const excludes = path.join(home, 'excludes')
    fs.writeFileSync(excludes, '*.swp\n')
    sh(root, 'config', 'core.excludesFile', excludes)
    put(root, 'x.swp')
    expect(held(root, (await keepQuietly(root)).ref)).not.toContain('x.swp')
  })
})

test.skipIf(isBefore(2, 36))(
  'a kept tree is flushed before it counts as kept; reading a working tree alone waits for no flush (needs git 2.36)',
  async () => {
    const root = repository()
    put(root, 'new.txt')
    const trace = path.join(folder(), 'trace')
    const watched = path.join(folder(), '.gitconfig')
    fs.writeFileSync(watched, `[trace2]\n\teventTarget = ${trace}\n`)
    const given = ports({ environment: { ...environment, HOME: path.dirname(watched) } })
    const { ref } = await keep(root, given)
    expect(content(root, ref, 'new.txt')).toBe('new.txt\n')
    const events = fs
      .readFileSync(trace, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const flushes = (verb: string, how: string) =>
      events
        .filter((event) => event.event === 'start' && event.argv.includes(verb))
        .flatMap(({ sid }) => events.filter((event) => event.sid === sid && event.key === `fsync/${how}`))
        .reduce((sum, event) => sum + Number(event.value), 0)
    expect(flushes('add', 'writeout-only')).toBeGreaterThan(0)
    for (const verb of ['add', 'write-tree']) expect(flushes(verb, 'hardware-flush')).toBe(0)
    for (const verb of ['commit-tree', 'update-ref']) expect(flushes(verb, 'hardware-flush')).toBeGreaterThan(0)
  },
)

test('where the index cannot be linked it is copied with its time', async () => {
  const root = repository()
  put(root, 'kept.txt', 'edited\n')
  const files = {
    ...disk,
    link: () => {
      throw Object.assign(new Error('EXDEV'), { code: 'EXDEV' })
    },
  }
  const { ref } = await keepQuietly(root, ports({ files }))
  expect(content(root, ref, 'kept.txt')).toBe('edited\n')
})
