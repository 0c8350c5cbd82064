import { yes, type Capabilities } from '@clusternator/core/provider';

/** Of environments in containers. */
export const buildCapabilities = {
  'images.build': yes({ builders: ['codebuild'], note: 'codebuild, for linux/amd64' }),
} as const satisfies Capabilities;
