import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import type { Machine } from './machine.ts';

/** What answers under the environment's hosts. */
export interface Backend {
  readonly machines: ReadonlyMap<string, Machine>;
  /** By site: its route, and the folder of its files. */
  readonly sites: Readonly<Record<string, { readonly route: string; readonly folder: string }>>;
}
/** A slot's hosts lead to one of these, by weight; those of an environment to itself. */
export interface Destination {
  readonly choices: readonly { readonly backend: Backend; readonly percent: number }[];
  /** Path prefixes of a slot's parts. */
  readonly parts?: Readonly<Record<string, string>>;
}

/** The memory cloud's load balancer: by host, then weight, then path. */
export function edgeServer(find: (host: string, pathname: string) => Destination | undefined): http.Server {
  let turn = 0;
  return http.createServer((request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    const { pathname } = new URL(request.url ?? '/', 'http://edge');
    const destination = find(host, pathname);
    if (!destination) {
      answer(response, 404, 'nothing has this name');
      return;
    }
    const backend = choose(destination.choices, Math.random() * 100);
    if (!backend) {
      answer(response, 503, 'nothing serves this');
      return;
    }
    const part = partOf(backend, destination.parts, pathname);
    if (!part) {
      answer(response, 404, 'no part has this path');
      return;
    }
    if ('folder' in part) {
      serveFile(response, part.folder, pathname.slice(part.route.length));
      return;
    }
    const address = part.machine.pick(turn++);
    if (address === undefined) {
      answer(response, 503, 'no instance runs');
      return;
    }
    part.machine.lastRequestAt = new Date();
    forward(request, response, address, part.machine.body.port);
  });
}

function choose(choices: Destination['choices'], at: number): Backend | undefined {
  let sum = 0;
  return choices.find(({ percent }) => (sum += percent) > at)?.backend;
}

type Part = { readonly route: string } & ({ readonly machine: Machine } | { readonly folder: string });

function partOf(backend: Backend, known: Destination['parts'], pathname: string): Part | undefined {
  const all: Part[] = [
    ...[...backend.machines.values()].flatMap((machine) =>
      machine.body.route === undefined ? [] : [{ route: machine.body.route, machine }],
    ),
    ...Object.values(backend.sites),
  ];
  const fits = (route: string) => pathname === route || pathname.startsWith(route.endsWith('/') ? route : `${route}/`);
  const longest = (routes: readonly string[]) => routes.filter(fits).sort((a, b) => b.length - a.length)[0];
  const wanted = longest(known ? Object.values(known) : all.map(({ route }) => route));
  return all.find(({ route }) => route === wanted);
}

function serveFile(response: http.ServerResponse, folder: string, file: string): void {
  try {
    const name = path.normalize(`/${file === '' ? 'index.html' : decodeURIComponent(file)}`);
    answer(response, 200, readFileSync(path.join(folder, name), 'utf8'));
  } catch {
    answer(response, 404, 'no such file');
  }
}

function forward(request: http.IncomingMessage, response: http.ServerResponse, host: string, port: number): void {
  const { method, url, headers } = request;
  const onward = http.request({ host, port, method, path: url, headers, agent: false }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(response);
    answered.once('error', () => response.destroy());
  });
  onward.once('error', () => {
    if (response.headersSent) response.destroy();
    else answer(response, 502, 'the instance does not answer');
  });
  request.pipe(onward);
}

function answer(response: http.ServerResponse, status: number, text: string): void {
  response.writeHead(status).end(text);
}
