import type { Case } from '../kit/case.ts';
import { slotCases } from './slot.ts';

/** Every case, in the order of the list of what the kit covers. */
export const CASES: readonly Case[] = [...slotCases];
