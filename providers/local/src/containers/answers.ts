import { statusOf } from './errors.ts';

/** Undefined where the engine says that there is no such thing. */
export function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  return unlessStatus(404, answer);
}

/** Undefined where the engine says that it is so already. */
export function unlessSo<T>(answer: Promise<T>): Promise<T | undefined> {
  return unlessStatus(304, answer);
}

async function unlessStatus<T>(status: number, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (statusOf(error) === status) return undefined;
    throw error;
  }
}
