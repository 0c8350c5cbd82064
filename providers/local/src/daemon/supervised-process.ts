import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { endProcesses } from './end-processes.ts';
import { LineSplitter } from './log-lines.ts';
import { listProcesses, readProcess, type ProcessEntry } from './process-table.ts';
import { codeOf, messageOf } from '../control/failure.ts';

/** What to start. */
export interface Launch {
  readonly argv: readonly string[];
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface SupervisionOptions {
  /** Called before each start. Throws when there is nothing that could be started. */
  launch(): Promise<Launch>;
  onLines(texts: readonly string[]): void;
  /** The state changed. */
  onChange(): void;
  onSpawn(process: ProcessEntry): void;
  onGone(pid: number): void;
  /** Ends what left the group of a process that has ended. */
  endEscaped?(): Promise<unknown>;
  readonly graceSeconds: number;
  readonly backOff?: BackOff;
}

/** Pauses between starts: they double from one to the other, and begin anew once a process ran for `stableSeconds`. */
export interface BackOff {
  readonly firstSeconds: number;
  readonly longestSeconds: number;
  readonly stableSeconds: number;
}
const BACK_OFF: BackOff = { firstSeconds: 0.25, longestSeconds: 30, stableSeconds: 10 };

/**
 * - `starting`: about to be spawned. `running`: it has a pid. `waiting`: it ended, and is started again after a pause.
 * - `broken`: it can't be spawned at all, and was not tried again. `stopped`: on request.
 */
export type ProcessState =
  | { readonly name: 'starting' | 'stopped' }
  | { readonly name: 'running'; readonly pid: number; readonly sinceMs: number }
  | { readonly name: 'waiting' | 'broken'; readonly why: string };

/** Keeps one process running, in a process group of its own. */
export class SupervisedProcess {
  readonly #options: SupervisionOptions;
  readonly #backOff: BackOff;
  #state: ProcessState = { name: 'starting' };
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  /** Ends in a row without a stable run in between. */
  #ends = 0;

  constructor(options: SupervisionOptions) {
    this.#options = options;
    this.#backOff = options.backOff ?? BACK_OFF;
  }

  get state(): ProcessState {
    return this.#state;
  }
  get endsInARow(): number {
    return this.#ends;
  }

  start(): void {
    this.#round = this.#run();
  }

  /** Its whole group, asked first, then forced. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    if (this.#state.name === 'running') await endGroup(this.#state.pid, this.#options.graceSeconds);
    await this.#round;
    this.#set({ name: 'stopped' });
  }

  #isStopping(): boolean {
    return this.#stopping;
  }

  /** Those of its group, children included. */
  members(): readonly ProcessEntry[] {
    const state = this.#state;
    return state.name === 'running' ? groupMembers(state.pid) : [];
  }

  async #run(): Promise<void> {
    let child: ChildProcess;
    try {
      const launch = await this.#options.launch();
      if (this.#isStopping()) return;
      child = await spawnGroup(launch);
    } catch (error) {
      this.#set({ name: 'broken', why: messageOf(error) });
      return;
    }
    const pid = child.pid ?? 0;
    const ended = this.#watch(child);
    const entry = readProcess(pid);
    if (entry) this.#options.onSpawn(entry);
    const sinceMs = Date.now();
    this.#set({ name: 'running', pid, sinceMs });
    // A stop that came while it was being spawned did not see it.
    if (this.#isStopping()) await endGroup(pid, this.#options.graceSeconds);
    const why = await ended;
    // What its program left of its group would hold its port, and is nobody's any more.
    await endGroup(pid, 0);
    await this.#options.endEscaped?.();
    this.#options.onGone(pid);
    if (this.#isStopping()) return;
    this.#again(why, (Date.now() - sinceMs) / 1000);
  }

  /** Resolves with why it ended, once its last words are written down. */
  #watch(child: ChildProcess): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    for (const stream of [child.stdout, child.stderr]) {
      const splitter = new LineSplitter();
      stream?.on('data', (bytes: Buffer) => {
        this.#options.onLines(splitter.write(bytes));
      });
      stream?.on('end', () => {
        this.#options.onLines(splitter.end());
      });
      stream?.on('error', () => undefined);
    }
    child.once('exit', (code, signal) => {
      const why = signal ? `was ended by ${signal}` : `exited with code ${String(code)}`;
      const done = (): void => {
        clearTimeout(timer);
        resolve(why);
      };
      // A grandchild may keep the pipes open for longer than its parent lives.
      const timer = setTimeout(done, 200);
      child.once('close', done);
    });
    return promise;
  }

  #again(why: string, ranSeconds: number): void {
    if (ranSeconds >= this.#backOff.stableSeconds) this.#ends = 0;
    this.#ends++;
    const seconds = Math.min(this.#backOff.firstSeconds * 2 ** (this.#ends - 1), this.#backOff.longestSeconds);
    const jitter = 0.8 + Math.random() * 0.4;
    this.#timer = setTimeout(
      () => {
        this.#set({ name: 'starting' });
        this.start();
      },
      seconds * jitter * 1000,
    );
    this.#set({ name: 'waiting', why });
  }

  #set(state: ProcessState): void {
    this.#state = state;
    this.#options.onChange();
  }
}

/** Of the group that this process leads, also when it is gone itself: its number is not given away while the group lives. */
export function groupMembers(leader: number): readonly ProcessEntry[] {
  return listProcesses().filter((entry) => entry.group === leader || entry.session === leader);
}

async function endGroup(leader: number, graceSeconds: number): Promise<void> {
  await endProcesses(() => groupMembers(leader), graceSeconds);
}

/** Spawns, with errors that say what is wrong with which program. */
export async function spawnGroup({ argv, directory, env }: Launch): Promise<ChildProcess> {
  const [program, ...args] = argv;
  if (program === undefined || program === '') throw new Error('the command is empty');
  if (!isFolder(directory)) throw new Error(`the folder ${directory}, in which it is to run, is not there`);
  const child = spawn(program, args, { cwd: directory, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new Error(whyNotSpawned(cause, program, directory, env), { cause });
  }
  child.on('error', () => undefined); // a signal that could not be sent
  return child;
}

function whyNotSpawned(cause: unknown, program: string, directory: string, env: Launch['env']): string {
  const code = codeOf(cause);
  const isPath = program.includes('/');
  if (code === 'ENOENT') {
    if (isPath && exists(path.resolve(directory, program)))
      return `"${program}" names an interpreter that is not there`;
    return isPath
      ? `command not found: "${program}" is not in the source tree`
      : `command not found: "${program}" is in no folder of PATH (${env.PATH ?? 'which is empty'})`;
  }
  if (code === 'EACCES') return `"${program}" is not executable`;
  if (code === 'E2BIG') return `"${program}" can't be started: its arguments and variables are too long`;
  return `"${program}" can't be started: ${messageOf(cause)}`;
}

function isFolder(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function exists(file: string): boolean {
  try {
    accessSync(file, constants.F_OK);
    return true;
  } catch {
    return false;
  }
}
