import { join } from 'node:path';
import type { Part } from './part.ts';

/** What a config is made of. */
export interface Plan {
  readonly project: string;
  readonly provider: string;
  readonly parts: readonly Part[];
}

/** The config file's text. The first site, or else the first service, answers at `/`; the others at their name. */
export function composeConfig({ project, provider, parts }: Plan): string {
  const first = parts.find((part) => part.kind === 'site') ?? parts[0];
  const routeOf = (part: Part): string => (part === first ? '/' : `/${part.name}`);
  const services = parts.filter((part) => part.kind !== 'site');
  const sites = parts.filter((part) => part.kind === 'site');
  const lines = [
    '# Read from each commit that is deployed: commit it. All keys: clusternator config schema',
    `project: ${scalar(project)}`,
    `provider: ${scalar(provider)}`,
  ];
  if (services.length > 0) lines.push('services:', ...services.flatMap((part) => serviceLines(part, routeOf(part))));
  if (sites.length > 0) lines.push('sites:', ...sites.flatMap((part) => siteLines(part, routeOf(part))));
  lines.push('environments: { ttl: 72h, max: 20 } # what is older, and the oldest over 20, is removed by gc');
  return `${lines.join('\n')}\n`;
}

function serviceLines(part: Exclude<Part, { kind: 'site' }>, route: string): string[] {
  const lines = [`  ${part.name}:`];
  if (part.kind === 'container') lines.push(`    build: ${scalar(part.folder)} # a folder with a Dockerfile`);
  else {
    if (part.folder !== '.') lines.push(`    dir: ${scalar(part.folder)}`);
    if (part.install !== undefined) lines.push(`    install: ${scalar(part.install)}`);
    lines.push(`    command: ${scalar(part.command)} # it is told its port in PORT`);
  }
  lines.push(`    port: ${String(part.port)}`, `    route: ${route}`);
  lines.push('    health: { path: /, status: 200-499, within: 60s } # better: a path that is 200 once it can serve');
  return lines;
}

function siteLines(part: Extract<Part, { kind: 'site' }>, route: string): string[] {
  const inFolder = (command: string): string => (part.folder === '.' ? command : withPrefix(command, part.folder));
  return [
    `  ${part.name}:`,
    ...(part.install === undefined ? [] : [`    install: ${scalar(inFolder(part.install))}`]),
    ...(part.build === undefined ? [] : [`    build: ${scalar(inFolder(part.build))}`]),
    `    dir: ${scalar(part.dir)}`,
    `    route: ${route}`,
    ...(part.fallback === undefined ? [] : [`    fallback: ${scalar(part.fallback)}`]),
  ];
}

/** A site's commands run at the top of the repository; each package manager has its own word for another folder. */
function withPrefix(command: string, folder: string): string {
  const [manager = 'npm', ...rest] = command.split(' ');
  const flag = { npm: '--prefix', pnpm: '--dir', yarn: '--cwd', bun: '--cwd' }[manager];
  const path = /\s/.test(folder) ? JSON.stringify(folder) : folder;
  return flag === undefined ? command : [manager, flag, path, ...rest].join(' ');
}

/** YAML for a text: as it is where that can't be misread, in double quotes elsewhere. */
function scalar(text: string): string {
  const isPlain =
    /^[A-Za-z._/][\w ./@=-]*$/.test(text) &&
    !/^(?:true|false|null|yes|no|on|off|~)$/i.test(text) &&
    !text.endsWith(' ');
  return isPlain ? text : JSON.stringify(text);
}

/** Where the config is written. */
export function configFile(root: string): string {
  return join(root, 'clusternator.config.yaml');
}
