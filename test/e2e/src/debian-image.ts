import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What a shell script of a server wants. */
const TOOLS = ['dash', 'coreutils', 'grep', 'sed', 'util-linux', 'base-files', 'tzdata'];
/** Nobody reads them in a test, and the compiler of PostgreSQL alone is larger than all the rest. */
const LEFT_OUT = /^\/usr\/share\/(?:doc|man|locale|lintian|zoneinfo\/right)\/|\/bitcode\/|\/llvmjit/;
const IS_PROGRAM = /^\/(?:usr\/)?s?bin\/|^\/usr\/lib\/.*(?:\/bin\/|\.so(?:\.|$))/;

/**
 * An image of Debian's packages as they are installed here, with the libraries that their programs load: no registry is asked. It stays, for
 * the next run.
 * @returns Its name.
 */
export function ensureDebianImage(name: string, packages: readonly string[]): string {
  const version = output('dpkg-query', ['-W', '-f', '${Version}', packages[0] ?? '']).replaceAll(/[^\w.-]/g, '-');
  const image = `clusternator-test/${name}:${version}`;
  if (output('docker', ['image', 'ls', '--quiet', image]) !== '') return image;
  const folder = mkdtempSync(path.join(tmpdir(), 'clusternator-image-'));
  try {
    const files = output('dpkg', ['-L', ...TOOLS, ...packages])
      .split('\n')
      .filter((file) => file.startsWith('/') && !LEFT_OUT.test(file) && isFile(file));
    const list = path.join(folder, 'list');
    writeFileSync(
      list,
      [...new Set([...files, ...librariesOf(files), '/etc/passwd', '/etc/group'].map(placed))].join('\n'),
    );
    const root = path.join(folder, 'root');
    shell('mkdir -p "$0/tmp" "$0/run" && chmod 1777 "$0/tmp" && tar -C / -ch -T "$1" | tar -C "$0" -x', root, list);
    for (const top of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${top}`, path.join(root, top));
    shell('tar -C "$0" -c . | docker import - "$1" >/dev/null', root, image);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return image;
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

function librariesOf(files: readonly string[]): readonly string[] {
  const programs = files.filter((file) => IS_PROGRAM.test(file));
  // It says of each script that it is none, and ends with 1 for that.
  const said = shell('ldd "$@" 2>/dev/null || true', 'sh', ...programs);
  return [...said.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, file = '']) => file);
}

/** Where it really is: `/lib` is a link. Relative to the top. */
function placed(file: string): string {
  return path.join(realpathSync(path.dirname(file)), path.basename(file)).slice(1);
}

function shell(script: string, ...args: readonly string[]): string {
  return output('sh', ['-c', script, ...args]);
}

function output(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }).trim();
}
