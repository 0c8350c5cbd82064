import { no, yes, type Capabilities } from '@clusternator/core/provider';

const ALONE = 'sites alone: take kind: containers for what runs';
const NO_VOLUMES = 'nothing runs that would use them';

/** What files on S3 behind CloudFront can do. */
export const siteCapabilities: Capabilities = {
  'environments.images': no(ALONE),
  'environments.processes': no(ALONE),
  'environments.sites': yes({
    note: 'a key value store of CloudFront holds 5 MB: some 10 bytes a file of each environment',
  }),
  'environments.paths': yes(),
  'environments.address': no('all share the distribution, and are told apart by host name'),
  'environments.traffic': no('CloudFront tells of requests by the minute, of all hosts together'),
  'environments.logHistory': no('files say nothing'),
  'environments.exec': no('nothing runs'),
  'slots.router': yes(),
  'slots.shared': yes(),
  'slots.atomic': yes({ note: 'one value of the key value store' }),
  'slots.compareAndSet': yes(),
  'slots.weights': yes({ limit: 1 }),
  'slots.hosts': no('the certificate is for names right below the domain'),
  'slots.webSockets': no('sites have none'),
  'storage.files': no(NO_VOLUMES),
  'storage.disks': no(NO_VOLUMES),
  'storage.databases': no(NO_VOLUMES),
};
