import { isDeepStrictEqual } from 'node:util';
import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeRepositoriesCommand,
  GetLifecyclePolicyCommand,
  ListTagsForResourceCommand,
  PutImageTagMutabilityCommand,
  PutLifecyclePolicyCommand,
} from '@aws-sdk/client-ecr';
import { unlessAbsent } from '../../storage/aws-error.ts';
import type { Part } from '../part.ts';
import type { Site } from '../site.ts';

/** What is in use has a tag: what has none was never finished, or lost it. */
const LIFECYCLE = {
  rules: [
    {
      rulePriority: 1,
      description: 'Images without a tag',
      selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
      action: { type: 'expire' },
    },
  ],
};

const images: Part = {
  name: 'repository',
  after: [],
  async find(at) {
    const repositoryName = at.name('images');
    const command = new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] });
    const asked = at.send(({ ecr }, options) => ecr.send(command, options));
    const found = (await unlessAbsent(asked, ['RepositoryNotFound']))?.repositories?.[0];
    if (!found) return undefined;
    const { tags } = await at.send(({ ecr }, options) =>
      ecr.send(new ListTagsForResourceCommand({ resourceArn: found.repositoryArn }), options),
    );
    at.own(`the ECR repository ${repositoryName}`, tags);
    const details = { uri: found.repositoryUri ?? '' };
    return { id: repositoryName, phase: 'active', differs: found.imageTagMutability !== 'IMMUTABLE', details };
  },
  async make(at, found) {
    const repositoryName = at.name('images');
    const imageTagMutability = 'IMMUTABLE' as const;
    if (found) {
      const command = new PutImageTagMutabilityCommand({ repositoryName, imageTagMutability });
      await at.send(({ ecr }, options) => ecr.send(command, options));
      return { ...found, differs: false };
    }
    const command = new CreateRepositoryCommand({ repositoryName, imageTagMutability, tags: at.tags('repository') });
    const { repository: made } = await at.send(({ ecr }, options) => ecr.send(command, options));
    return { id: repositoryName, phase: 'active', details: { uri: made?.repositoryUri ?? '' } };
  },
  async remove(at, { id: repositoryName }) {
    const command = new DeleteRepositoryCommand({ repositoryName, force: true });
    await at.send(({ ecr }, options) => ecr.send(command, options));
  },
};

const lifecycle: Part = {
  name: 'lifecycle of images',
  after: ['repository'],
  within: 'repository',
  async find(at) {
    const found = await at.find('repository');
    if (!found) return undefined;
    const text = await policyOf(at, found.id);
    return {
      id: found.id,
      phase: 'active',
      differs: text === undefined || !isDeepStrictEqual(JSON.parse(text), LIFECYCLE),
    };
  },
  async make(at) {
    const repositoryName = await at.idOf('repository');
    const command = new PutLifecyclePolicyCommand({ repositoryName, lifecyclePolicyText: JSON.stringify(LIFECYCLE) });
    await at.send(({ ecr }, options) => ecr.send(command, options));
    return { id: repositoryName, phase: 'active' };
  },
};

/** Where images are pushed to, and fetched from by their digest. */
export const repository: readonly Part[] = [images, lifecycle];

async function policyOf(at: Site, repositoryName: string): Promise<string | undefined> {
  const asked = at.send(({ ecr }, options) => ecr.send(new GetLifecyclePolicyCommand({ repositoryName }), options));
  return (await unlessAbsent(asked, ['LifecyclePolicyNotFound', 'RepositoryNotFound']))?.lifecyclePolicyText;
}
