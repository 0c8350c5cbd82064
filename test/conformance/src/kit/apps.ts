import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FilesArtefact } from '@clusternator/core';

/**
 * The program that the kit deploys: plain Node, nothing to install. What it is asked for is in the query, since a path may have the prefix
 * of its part before it.
 */
const SERVER = `
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
const { PORT = '8080', HOST, KIT_APP, KIT_FAILS, KIT_SLOW_SECONDS = '0', KIT_NEEDS } = process.env;
console.log('app ' + KIT_APP + ' starts');
if (KIT_FAILS || fs.existsSync('broken')) {
  console.log('these are the last words of ' + KIT_APP);
  process.exit(3);
}
// A need that does not answer at once was not there first.
if (KIT_NEEDS) await fetch('http://' + process.env[KIT_NEEDS] + ':' + process.env.KIT_NEEDS_PORT);
await new Promise((done) => setTimeout(done, Number(KIT_SLOW_SECONDS) * 1000));
const placed = (file) => fs.existsSync(path.dirname(file)) ? file : path.join(process.cwd(), file);
const answer = async (query) => {
  switch (query.get('do')) {
    case 'log': console.log(query.get('text')); return 'logged';
    case 'slow': await new Promise((done) => setTimeout(done, Number(query.get('seconds')) * 1000)); return KIT_APP;
    case 'env': return JSON.stringify(process.env);
    case 'pid': return String(process.pid);
    case 'marker': return fs.readFileSync('marker.txt', 'utf8');
    case 'ask': return (await fetch(query.get('url'))).text();
    case 'write': fs.writeFileSync(placed(query.get('file')), query.get('text')); return 'written';
    case 'read': return fs.readFileSync(placed(query.get('file')), 'utf8');
    default: return KIT_APP;
  }
};
http.createServer((request, response) => {
  const query = new URL(request.url, 'http://kit').searchParams;
  if (query.get('do') === 'crash') {
    fs.writeFileSync('broken', '');
    process.exit(4);
  }
  answer(query).then((text) => response.end(text), (error) => response.writeHead(500).end(String(error)));
}).listen(Number(PORT), HOST, () => console.log('app ' + KIT_APP + ' listens'));
`;

/** Artefacts as core keeps them: a folder for each digest. */
export class Artefacts {
  constructor(readonly folder: string) {}

  /** A source tree of the kit's program, or one of other files. Other contents have another digest. */
  tree(files: Readonly<Record<string, string>>): FilesArtefact {
    const digest = createHash('sha256').update(JSON.stringify(files)).digest('hex');
    let bytes = 0;
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.folder, digest, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content);
      bytes += Buffer.byteLength(content);
    }
    return { kind: 'files', digest, bytes };
  }

  /** The kit's program at one commit. */
  app(marker: string): FilesArtefact {
    return this.tree({ 'server.mjs': SERVER, 'marker.txt': marker });
  }

  folderOf({ digest }: FilesArtefact): string {
    return path.join(this.folder, digest);
  }
}

/** Puts the kit's program into a folder, as `server.mjs`: for an image of it, which runs `node server.mjs` there. */
export function writeApp(folder: string): void {
  mkdirSync(folder, { recursive: true });
  // The first process of a container ignores what it has no handler for.
  writeFileSync(path.join(folder, 'server.mjs'), `process.once('SIGTERM', () => process.exit());\n${SERVER}`);
}
