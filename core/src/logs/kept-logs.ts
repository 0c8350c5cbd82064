import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { LogLine, LogQuery } from '../environment/environment.ts';
import { formatEnvironmentId, parseEnvironmentResourceId } from '../names/environment-id.ts';
import { KeptLogWriter } from './kept-log-writer.ts';
import { linesIn, namesIn, segmentsOf, type Segment } from './log-folder.ts';
import { spareBytes } from './room.ts';

/** The logs of one life of an environment that is gone. */
export interface KeptLog {
  /** The environment's resource id. */
  readonly id: string;
  readonly environment: string;
  readonly incarnation: number;
  readonly endedAt: Date;
  readonly until: Date;
  /** Oldest first. */
  readonly segments: readonly Segment[];
}
/** What is to be kept, for how long, and how many bytes all kept logs may take. */
export interface Keeping {
  readonly id: string;
  readonly endedAt: Date;
  readonly until: Date;
  readonly maxBytes: number;
}

const aboutSchema = z.object({ schema: z.literal(1), endedAt: z.iso.datetime(), until: z.iso.datetime() });
const ABOUT = 'about.json';
const LARGEST_SEGMENT_BYTES = 4 * 2 ** 20;
const SMALLEST_SEGMENT_BYTES = 64 * 1024;
/** A folder that says nothing of itself is just being made, or was left by a process that was killed. */
const HALF_MADE_MS = 3_600_000;

/** Logs of environments that are gone, of one project and stage: a folder a life, in files that go one by one when room is needed. */
export class KeptLogs {
  constructor(
    private readonly root: string,
    private readonly spare: (folder: string) => number = spareBytes,
  ) {}

  /** Begins to keep a life's log, or goes on where a process that was killed ended. */
  open({ id, endedAt, until, maxBytes }: Keeping): KeptLogWriter {
    const folder = join(this.root, id);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const known = this.aboutOf(id);
    if (!known) {
      const about = { schema: 1, endedAt: endedAt.toISOString(), until: until.toISOString() };
      const draft = join(folder, `.${ABOUT}`);
      writeFileSync(draft, JSON.stringify(about), { mode: 0o600 });
      renameSync(draft, join(folder, ABOUT));
    }
    return new KeptLogWriter({
      folder,
      until: known?.until ?? until,
      segmentBytes: Math.min(LARGEST_SEGMENT_BYTES, Math.max(SMALLEST_SEGMENT_BYTES, Math.floor(maxBytes / 8))),
      makeRoom: (bytes, current) => this.makeRoom(bytes, maxBytes, current),
    });
  }

  /** Oldest first. */
  list(): readonly KeptLog[] {
    return namesIn(this.root)
      .flatMap((id) => this.find(id) ?? [])
      .toSorted((a, b) => a.endedAt.getTime() - b.endedAt.getTime() || a.id.localeCompare(b.id));
  }

  /** Those of an environment, the newest life first. */
  livesOf(environment: string): readonly KeptLog[] {
    const own = this.list().filter((log) => log.environment === environment);
    return own.toSorted((a, b) => b.incarnation - a.incarnation);
  }

  /** Oldest first. A cursor that is not there any more is before all that is. */
  async *read({ id }: Pick<KeptLog, 'id'>, query: Omit<LogQuery, 'follow'>): AsyncGenerator<LogLine> {
    const folder = join(this.root, id);
    const skipped = query.after === undefined ? 0 : await countUpTo(folder, query.after);
    let at = 0;
    for await (const line of linesIn(folder)) {
      if (at++ < skipped) continue;
      if (query.since && line.at < query.since) continue;
      if (query.services && !query.services.includes(line.service)) continue;
      yield line;
    }
  }

  /** What was half made goes with the first. */
  remove({ id }: Pick<KeptLog, 'id'>): void {
    rmSync(join(this.root, id), { recursive: true, force: true });
  }

  /** The segments that are over a budget, by log: the oldest go first. */
  excess(maxBytes: number): ReadonlyMap<KeptLog, readonly Segment[]> {
    const logs = this.list();
    let over = logs.flatMap(({ segments }) => segments).reduce((sum, { bytes }) => sum + bytes, 0) - maxBytes;
    const found = new Map<KeptLog, Segment[]>();
    for (const log of logs) {
      for (const segment of log.segments) {
        if (over <= 0) return found;
        over -= segment.bytes;
        found.set(log, [...(found.get(log) ?? []), segment]);
      }
    }
    return found;
  }

  /** A log of which nothing is left goes as a whole. */
  cut(log: KeptLog, segments: readonly Segment[]): void {
    for (const { file } of segments) rmSync(file, { force: true });
    if (segments.length === log.segments.length) this.remove(log);
  }

  /** Names of folders that a killed process began and nobody went on with. */
  halfMade(now: Date): readonly string[] {
    return namesIn(this.root).filter((id) => {
      const changed = statSync(join(this.root, id), { throwIfNoEntry: false })?.mtimeMs ?? now.getTime();
      return !this.aboutOf(id) && now.getTime() - changed > HALF_MADE_MS;
    });
  }

  private makeRoom(bytes: number, maxBytes: number, current: string): boolean {
    const all = this.list();
    let kept = all.flatMap(({ segments }) => segments).reduce((sum, segment) => sum + segment.bytes, 0);
    let spare = this.spare(this.root);
    for (const log of all) {
      for (const segment of log.segments) {
        if (kept + bytes <= maxBytes && bytes <= spare) return true;
        if (segment.file === current) continue;
        const isLast = segment === log.segments.at(-1) && !current.startsWith(join(this.root, log.id) + '/');
        if (isLast) this.remove(log);
        else rmSync(segment.file, { force: true });
        kept -= segment.bytes;
        spare += segment.bytes;
      }
    }
    return kept + bytes <= maxBytes && bytes <= spare;
  }

  private find(id: string): KeptLog | undefined {
    const life = parseEnvironmentResourceId(id);
    const about = life && this.aboutOf(id);
    if (!about) return undefined;
    const { incarnation } = life;
    const environment = formatEnvironmentId(life.id);
    return { id, environment, incarnation, ...about, segments: segmentsOf(join(this.root, id)) };
  }

  private aboutOf(id: string): { readonly endedAt: Date; readonly until: Date } | undefined {
    try {
      const { endedAt, until } = aboutSchema.parse(JSON.parse(readFileSync(join(this.root, id, ABOUT), 'utf8')));
      return { endedAt: new Date(endedAt), until: new Date(until) };
    } catch {
      return undefined;
    }
  }
}

/** How many lines there are up to the one with this cursor. None: it is not there. */
async function countUpTo(folder: string, cursor: string): Promise<number> {
  let count = 0;
  for await (const line of linesIn(folder)) {
    count++;
    if (line.cursor === cursor) return count;
  }
  return 0;
}
