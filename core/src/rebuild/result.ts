import type { RebuiltItem } from '../host/project.ts';

/** One thing that can't be told of a resource any more. */
export type Unknown = RebuiltItem['unknown'][number];
