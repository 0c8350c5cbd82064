import { BatchGetProjectsCommand, CreateProjectCommand, DeleteProjectCommand } from '@aws-sdk/client-codebuild';
import { isNamed } from '../../storage/aws-error.ts';
import type { Part } from '../part.ts';
import type { Site } from '../site.ts';
import { buildPolicy } from './policies.ts';
import { policy, role } from './roles.ts';

/** It has Docker and the AWS CLI. @see https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html */
const IMAGE = 'aws/codebuild/amazonlinux-x86_64-standard:5.0';
const BUILD_MINUTES = 60;
const QUEUE_MINUTES = 60;
/** IAM shows a role to other services after some seconds. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency */
const NOT_SEEN_ATTEMPTS = 20;
const NOT_SEEN_SECONDS = 2;

const buildRole = role('build', 'codebuild.amazonaws.com');
const rights = policy('build', buildPolicy);

const project: Part = {
  name: 'build project',
  after: [buildRole.name, rights.name],
  async find(at) {
    // It comes after its role and goes before: without one nobody has to ask CodeBuild.
    if (!(await at.find(buildRole.name))) return undefined;
    const names = [nameOf(at)];
    const { projects = [] } = await at.send(async ({ codeBuild }, options) =>
      (await codeBuild()).send(new BatchGetProjectsCommand({ names }), options),
    );
    const [found] = projects;
    if (!found) return undefined;
    at.own(
      `the CodeBuild project ${nameOf(at)}`,
      found.tags?.map(({ key, value }) => ({ Key: key, Value: value })),
    );
    return { id: nameOf(at), phase: 'active' };
  },
  async make(at) {
    const { details: { arn: serviceRole = '' } = {} } = (await at.find(buildRole.name)) ?? {};
    const command = new CreateProjectCommand({
      name: nameOf(at),
      description: 'Builds images of commits. Each build says what it does.',
      serviceRole,
      source: { type: 'NO_SOURCE', buildspec: NOTHING },
      artifacts: { type: 'NO_ARTIFACTS' },
      // Docker in a container of CodeBuild's has to be privileged.
      environment: { type: 'LINUX_CONTAINER', image: IMAGE, computeType: 'BUILD_GENERAL1_SMALL', privilegedMode: true },
      timeoutInMinutes: BUILD_MINUTES,
      queuedTimeoutInMinutes: QUEUE_MINUTES,
      // A group of the foundation: one of CodeBuild's own would be left behind.
      logsConfig: { cloudWatchLogs: { status: 'ENABLED', groupName: at.name('logs'), streamName: 'builds' } },
      tags: at.tags('build project').map(({ Key, Value }) => ({ key: Key, value: Value })),
    });
    await onceRoleIsSeen(at, () =>
      at.send(async ({ codeBuild }, options) => (await codeBuild()).send(command, options)),
    );
    return { id: nameOf(at), phase: 'active' };
  },
  async remove(at, { id: name }) {
    await at.send(async ({ codeBuild }, options) =>
      (await codeBuild()).send(new DeleteProjectCommand({ name }), options),
    );
  },
};

/** Where images are built. The first build makes it, and a foundation that is destroyed takes it along. */
export const partsOfBuilds: readonly Part[] = [buildRole, rights, project];

/** A project has to say something. */
const NOTHING = JSON.stringify({ version: '0.2', phases: { build: { commands: ['exit 1'] } } });

function nameOf(at: Site): string {
  return at.name('builds');
}

async function onceRoleIsSeen(at: Site, make: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await make();
      return;
    } catch (error) {
      const isUnseen = isNamed(error, ['InvalidInput']) && String(error).includes('sts:AssumeRole');
      if (!isUnseen || attempt === NOT_SEEN_ATTEMPTS) throw error;
      await at.host.sleep(NOT_SEEN_SECONDS, at.call);
    }
  }
}
