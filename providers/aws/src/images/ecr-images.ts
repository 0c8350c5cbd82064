import { GetAuthorizationTokenCommand, type ECRClient } from '@aws-sdk/client-ecr';
import {
  ProviderError,
  type Call,
  type ImageArtefact,
  type ImageBuildSpec,
  type ImageDriver,
  type ImageOwner,
  type Repository,
} from '@clusternator/core/provider';
import type { CodeBuilds } from '../builds/code-builds.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { removeImage } from './remove-image.ts';

/** What Fargate runs unless a task definition says otherwise. @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html */
const PLATFORM = 'linux/amd64';

/** Images in the foundation's ECR repository, one for all services: they are told apart by their digest. */
export class EcrImages implements ImageDriver {
  constructor(
    private readonly ecr: ECRClient,
    private readonly foundation: AwsFoundation,
    private readonly builds: () => Promise<CodeBuilds>,
  ) {}

  async build(spec: ImageBuildSpec, onOutput: (line: string) => void, call: Call): Promise<ImageArtefact> {
    return (await this.builds()).build(spec, onOutput, call);
  }

  async discard(owner: ImageOwner, call: Call): Promise<void> {
    await (await this.builds()).discard(owner, call);
  }

  /** The login is good for twelve hours. @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html */
  async repository(_service: string, call: Call): Promise<Repository> {
    const command = new GetAuthorizationTokenCommand();
    const { authorizationData = [] } = await this.ecr.send(command, { abortSignal: call.signal });
    const [username, password] = loginOf(authorizationData[0]?.authorizationToken);
    if (!username || !password) throw new ProviderError('internal', 'ECR gave no login', { effect: 'none' });
    return { name: this.foundation.repository, platform: PLATFORM, username, password };
  }

  /** Takes its digest away, with all tags. To remove what is gone succeeds. @throws ProviderError `conflict`: an index needs it. */
  async destroy({ reference }: ImageArtefact, call: Call): Promise<void> {
    const [name, imageDigest] = reference.split('@');
    // One of another registry, or of this machine alone, is not ours to remove.
    if (name !== this.foundation.repository || imageDigest === undefined) return;
    await removeImage(this.ecr, name, { imageDigest }, call);
  }
}

/** `user:password` in Base64. */
function loginOf(token = ''): readonly string[] {
  const text = Buffer.from(token, 'base64').toString();
  const colon = text.indexOf(':');
  return colon === -1 ? [] : [text.slice(0, colon), text.slice(colon + 1)];
}
