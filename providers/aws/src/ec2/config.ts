import { z } from 'zod';

/** What AL2023 is called by AWS itself, in each region. @see https://docs.aws.amazon.com/linux/al2023/ug/ec2.html */
const AMAZON_LINUX = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64';
const IMAGE = /^(?:ami-[0-9a-f]+|\/[\w./-]+)$/;
const TYPE = /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/;
const PACKAGE = /^[A-Za-z0-9][\w.+:~-]*$/;

/** The machines of services that have no image. */
export const machineConfigSchema = z.object({
  machine: z
    .strictObject({
      image: z.string().regex(IMAGE, 'must be an AMI, or the name of a parameter that holds one').default(AMAZON_LINUX),
      type: z.string().regex(TYPE, 'must be an instance type such as t3.small').optional(),
      packages: z.array(z.string().regex(PACKAGE, 'must be the name of a package')).readonly().default([]),
      diskGiB: z.int().min(8).max(16_384).default(16),
      rootDevice: z
        .string()
        .regex(/^\/dev\/\w+$/, 'must be a device such as /dev/xvda')
        .default('/dev/xvda'),
    })
    .prefault({})
    .describe(
      'The machines of services that run a command: their `image`, an AMI or a public parameter with one (Amazon Linux 2023) with cloud-init, systemd, Python 3 and the AWS CLI, ' +
        'its `rootDevice` and `diskGiB` (16), their `type` (by `cpus` and `memory`), and `packages` to install first, such as nodejs22 and nodejs22-npm.',
    ),
});

/** Settings of a project's machines. */
export type MachineSettings = z.output<typeof machineConfigSchema>['machine'];
