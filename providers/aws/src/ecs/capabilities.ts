import { no, yes, type Capabilities } from '@clusternator/core/provider';
import { MOST_SERVICES } from './names.ts';

/** Of a load balancer's 100 target groups and 100 rules, not adjustable, some are for slots.
 *  @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
const MOST_ENVIRONMENTS = 95;
/** @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html (tasks per service) */
const MOST_INSTANCES = 5000;

/** What containers on ECS Fargate behind a load balancer can do. */
export const environmentCapabilities: Capabilities = {
  'environments.images': yes({
    limit: MOST_ENVIRONMENTS,
    note: 'of one public service each: a load balancer has room for 100',
  }),
  'environments.processes': no('Fargate runs images alone'),
  'environments.sites': no('serve the files from a container; kind: sites is for those that nothing runs beside'),
  'environments.paths': yes(),
  'environments.private': yes({
    limit: MOST_SERVICES,
    note: 'by a name of Cloud Map, which a service learns in its variable',
  }),
  'environments.tcp': yes({ note: 'for services without a route' }),
  'environments.instances': yes({ limit: MOST_INSTANCES }),
  'environments.scale': yes(),
  'environments.address': no('all share the load balancer, and are told apart by host name'),
  'environments.traffic': no('the load balancer tells of requests by the minute, and late'),
  'environments.logHistory': yes({ note: 'in CloudWatch, as long as the log group of the foundation keeps it' }),
  'environments.exec': yes({
    note: 'in containers whose image has a shell, by ECS Exec, as root',
  }),
};
