import type { FollowTask } from './follow.ts';

/** What a worker thread does with a tree. `list`: the file of its checksums. */
export type Task =
  | { readonly kind: 'seal'; readonly folder: string; readonly list: string | undefined }
  | { readonly kind: 'damaged'; readonly folder: string; readonly list: string }
  | { readonly kind: 'changes'; readonly folder: string; readonly since: string }
  | ({ readonly kind: 'follow' } & FollowTask);

export type Answer =
  | { readonly kind: 'progress'; readonly done: number }
  | ({ readonly kind: 'done' } & Result)
  | { readonly kind: 'failed'; readonly message: string; readonly code: string | undefined };

/** `bytes`: what was read or, of changes, what differs. */
export interface Result {
  readonly bytes: number;
  readonly seal?: string;
  readonly damaged?: string | undefined;
}

/** What a thread is given has no type on its other side. */
export function isTask(data: unknown): data is Task {
  return typeof data === 'object' && data !== null && 'kind' in data;
}

export function isAnswer(message: unknown): message is Answer {
  return typeof message === 'object' && message !== null && 'kind' in message;
}
