import { checkExisting } from './existing-network.ts';
import { gatherOutputs } from './gather-outputs.ts';
import type { Kind } from './kind.ts';
import type { AwsFoundation } from './outputs.ts';
import { partsOf, partsOfAnyShape } from './parts-of.ts';
import { partsOfBuilds } from './parts/builds.ts';
import { recordsOf } from './parts/certificate.ts';
import { fingerprint } from './parts/listeners.ts';
import { nameRecords } from './parts/load-balancer.ts';
import { refuseToDrop } from './parts/surplus-balancers.ts';
import { refuseToMove } from './parts/security-groups.ts';

/** A network, a load balancer with a certificate, a cluster, and what goes with them. */
export const containers: Kind<AwsFoundation> = {
  ground: 'base',
  partsOf,
  partsOfAnyShape,
  added: partsOfBuilds,
  fingerprint,
  check: checkExisting,
  refuse: async (at) => {
    await refuseToMove(at);
    await refuseToDrop(at);
  },
  // Subnets will ask for the zones.
  ahead: async (at) => (!at.shape.existing && (await at.find('vpc')) === undefined ? at.zones() : undefined),
  recordsOf: async (at) => [
    ...recordsOf(await at.find('certificate')),
    ...nameRecords(at.shape.domain, await at.find('load balancer')),
  ],
  outputsOf: gatherOutputs,
};
