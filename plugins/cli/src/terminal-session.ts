import type { ExecSession } from '@clusternator/core';

interface Attachment {
  /** Undefined: the command gets no input. */
  readonly input: NodeJS.ReadStream | undefined;
  /** Keys go to the command as they are typed. */
  readonly raw: boolean;
  readonly signal: AbortSignal;
  write(chunk: Uint8Array): void;
}

/** Connects this process's input and output with a command's, until it ends. @returns Its exit code. */
export async function attach(session: ExecSession, to: Attachment): Promise<number> {
  const { input } = to;
  const resize = (): void => {
    // A size that is lost is not worth an error: the next one comes.
    session.resize?.(process.stdout.columns, process.stdout.rows).catch(() => {});
  };
  if (to.raw) {
    setRaw(input, true);
    process.stdout.on('resize', resize);
  }
  const pump = input ? pumpInput(session, input) : session.end();
  // Its end is not waited for: a command may end before its input does.
  pump.catch(() => {});
  try {
    for await (const chunk of session.output) {
      to.signal.throwIfAborted();
      to.write(chunk);
    }
    return await session.exitCode;
  } finally {
    process.stdout.off('resize', resize);
    if (to.raw) setRaw(input, false);
    input?.destroy();
  }
}

async function pumpInput(session: ExecSession, input: NodeJS.ReadStream): Promise<void> {
  for await (const chunk of input) {
    // Without an encoding a stream gives buffers.
    await session.write(chunk as Uint8Array);
  }
  await session.end();
}

function setRaw(input: NodeJS.ReadStream | undefined, raw: boolean): void {
  // Only a terminal has it.
  if (input?.isTTY) input.setRawMode(raw);
}
