import type { Case } from '../kit/case.ts';
import { concurrencyCases } from './concurrency.ts';
import { consistencyCases } from './consistency.ts';
import { accountingCase, contractCases } from './contract.ts';
import { crashCases } from './crash.ts';
import { dnsCases } from './dns.ts';
import { cutOffCases } from './cut-off.ts';
import { environmentCases } from './environment.ts';
import { foundationCases } from './foundation.ts';
import { foundationWireCases } from './foundation-wire.ts';
import { hygieneCases, sweepCase } from './hygiene.ts';
import { idempotencyCases } from './idempotency.ts';
import { identityCases } from './identity.ts';
import { paginationCases } from './pagination.ts';
import { slotEndCases } from './slot-end.ts';
import { slotCases } from './slot.ts';
import { stateCases } from './state.ts';
import { storageCases } from './storage.ts';
import { transportCases } from './transport.ts';
import { underWayCases } from './under-way.ts';

/** Every case, in the order in which they run: the last three look at what the others came to. */
export const CASES: readonly Case[] = [
  ...contractCases,
  ...idempotencyCases,
  ...crashCases,
  ...transportCases,
  ...underWayCases,
  ...consistencyCases,
  ...paginationCases,
  ...concurrencyCases,
  ...identityCases,
  ...foundationCases,
  ...cutOffCases,
  ...foundationWireCases,
  ...environmentCases,
  ...slotCases,
  ...slotEndCases,
  ...dnsCases,
  ...storageCases,
  ...stateCases,
  ...hygieneCases,
  sweepCase,
  accountingCase,
];
