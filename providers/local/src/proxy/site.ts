import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, sep } from 'node:path';
import sendFile from 'send';
import { badRequest, send } from './answers.ts';

/** A folder to serve. */
export interface Site {
  readonly folder: string;
  readonly fallback?: string;
}
interface Found {
  readonly file: string;
  readonly etag: string;
  readonly lastModified: string;
}

const NOT_FOUND = { status: 404, text: 'No such file on this site.' };
// A flip must be seen at the next request; the ETag makes asking again cheap.
const CACHE_CONTROL = 'no-cache';

/**
 * Serves a file below `site.folder`. Nothing that is hidden, or that a link or `..` puts outside the folder, is ever served.
 * @param prefix - Where the site is mounted.
 * @param path - As requested, with the query.
 */
export async function serveSite(
  site: Site,
  prefix: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'OPTIONS') {
    response.writeHead(204, { allow: 'GET, HEAD, OPTIONS' }).end();
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, {
      status: 405,
      text: 'A site answers GET and HEAD only.',
      headers: { allow: 'GET, HEAD, OPTIONS' },
    });
    return;
  }
  const bare = path.split('?', 1)[0] ?? '/';
  const segments = decodedSegments(prefix === '/' ? bare : bare.slice(prefix.length));
  if (segments === undefined) {
    send(response, badRequest('The path is not valid'));
    return;
  }
  const root = await realpath(site.folder).catch(() => undefined);
  if (root === undefined || segments.some(isHidden)) {
    send(response, NOT_FOUND);
    return;
  }
  const slash = bare.endsWith('/');
  const found = await find(root, join(root, ...segments), slash);
  if (found === 'directory') {
    redirect(response, `${bare}/${path.slice(bare.length)}`);
    return;
  }
  if (found !== undefined) {
    await deliver(request, response, found, 200);
    return;
  }
  const fallback = site.fallback === undefined ? undefined : await find(root, join(root, site.fallback), false);
  if (fallback !== undefined && fallback !== 'directory') {
    await deliver(request, response, fallback, 200);
    return;
  }
  const page = await find(root, join(root, '404.html'), false);
  if (page === undefined || page === 'directory') send(response, NOT_FOUND);
  else await deliver(request, response, page, 404);
}

/** The path's segments, or nothing when it isn't valid percent encoding or tries to climb. */
function decodedSegments(path: string): string[] | undefined {
  const segments: string[] = [];
  for (const raw of path.split('/')) {
    if (raw === '') continue;
    let segment: string;
    try {
      segment = decodeURIComponent(raw);
    } catch {
      return undefined;
    }
    if (segment === '.' || segment === '..' || /[/\\\0]/.test(segment)) return undefined;
    segments.push(segment);
  }
  return segments;
}

/** `.well-known` is public by RFC 8615. */
function isHidden(segment: string): boolean {
  return segment.startsWith('.') && segment !== '.well-known';
}

/** The regular file to answer with: a folder's is its index.html, once its path ends in a slash. */
async function find(root: string, wanted: string, slash: boolean): Promise<Found | 'directory' | undefined> {
  try {
    let file = await realpath(wanted);
    if (!isInside(root, file)) return undefined;
    let found = await stat(file);
    if (found.isDirectory()) {
      file = await realpath(join(file, 'index.html'));
      if (!isInside(root, file)) return undefined;
      found = await stat(file);
      if (found.isFile() && !slash) return 'directory';
    } else if (slash) return undefined;
    if (!found.isFile()) return undefined;
    // Artefacts of two commits may agree in name, size and time, so where the file lies counts too, and so does the change time, which nobody can set.
    const identity = [file, found.size, found.mtimeMs, found.ctimeMs, found.ino].join('\0');
    const etag = `"${createHash('sha256').update(identity).digest('base64url').slice(0, 27)}"`;
    return { file, etag, lastModified: found.ctime.toUTCString() };
  } catch {
    return undefined;
  }
}

function isInside(root: string, file: string): boolean {
  if (file === root) return true;
  if (!file.startsWith(root.endsWith(sep) ? root : root + sep)) return false;
  return !file.slice(root.length).split(sep).some(isHidden);
}

function redirect(response: ServerResponse, location: string): void {
  // Two slashes at the start would name another host.
  const safe = location.replace(/^\/{2,}/, '/');
  send(response, { status: 308, text: `See ${safe}`, headers: { location: safe } });
}

async function deliver(
  request: IncomingMessage,
  response: ServerResponse,
  found: Found,
  status: number,
): Promise<void> {
  // Both names are ours: what `send` is given is a real path, encoded, and it resolves nothing else.
  const since = request.headers['if-modified-since'];
  // By time alone, a flip back to an older artefact would look unchanged; so only the very same time counts.
  if (since !== undefined && since !== found.lastModified) delete request.headers['if-modified-since'];
  response.setHeader('etag', found.etag);
  response.setHeader('last-modified', found.lastModified);
  response.setHeader('cache-control', CACHE_CONTROL);
  response.setHeader('x-content-type-options', 'nosniff');
  response.statusCode = status;
  await new Promise<void>((resolve) => {
    response.once('close', () => {
      resolve();
    });
    sendFile(request, encodeURI(found.file).replaceAll('?', '%3F').replaceAll('#', '%23'), {
      dotfiles: 'allow',
      index: false,
      cacheControl: false,
      acceptRanges: status === 200,
    })
      .on('error', (error: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> }) => {
        for (const name of ['etag', 'last-modified']) response.removeHeader(name);
        if (error.status !== 416 && error.status !== 412) send(response, NOT_FOUND);
        else
          send(response, {
            status: error.status,
            text: 'The file has no such part or version.',
            headers: error.headers ?? {},
          });
      })
      .pipe(response);
  });
}
