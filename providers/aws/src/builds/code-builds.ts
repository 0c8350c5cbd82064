import {
  BatchGetBuildsCommand,
  ListBuildsForProjectCommand,
  StartBuildCommand,
  StopBuildCommand,
  type Build,
  type CodeBuildClient,
} from '@aws-sdk/client-codebuild';
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeImagesCommand, type ECRClient } from '@aws-sdk/client-ecr';
import {
  ProviderError,
  type Call,
  type Host,
  type ImageArtefact,
  type ImageBuildSpec,
  type ImageOwner,
} from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { removeImage, repositoryName } from '../images/remove-image.ts';
import { paced } from '../paced.ts';
import type { Sources } from '../sources/sources.ts';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';
import { BuildOutput } from './build-output.ts';
import { buildspecOf, TAG, variablesOf } from './buildspec.ts';

const FIRST_SECONDS = 0.5;
const LONGEST_SECONDS = 5;
/** CloudWatch shows a line a moment after it was said. */
const LOG_SECONDS = 2;
/** For an end that no abort is to cut short. */
const STOP_MILLISECONDS = 10_000;

/** What builds are made with. */
export interface BuildParts {
  readonly codeBuild: CodeBuildClient;
  readonly ecr: ECRClient;
  readonly logs: CloudWatchLogsClient;
  readonly sources: Sources;
  readonly host: Host;
  readonly foundation: AwsFoundation;
  /** The name of the project. */
  readonly project: string;
  /** Makes the project, with its role. */
  makeProject(call: Call): Promise<void>;
}

/**
 * Images that CodeBuild builds, one for each service of an environment. The image's tag follows from whose it is: so it is found again, and so is the
 * build that is under way for it. The token of a start, which CodeBuild knows for five minutes, covers the time until a build is listed.
 * @see https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
 */
export class CodeBuilds {
  private making: Promise<void> | undefined;

  constructor(private readonly parts: BuildParts) {}

  async build(spec: ImageBuildSpec, onOutput: (line: string) => void, call: Call): Promise<ImageArtefact> {
    const { sources, logs, host } = this.parts;
    const tag = this.tagOf(spec);
    const output = new BuildOutput(logs, host, onOutput);
    let image = await this.image(tag, call);
    if (!image) {
      const { id = '' } = (await this.running(tag, call)) ?? (await this.start(spec, tag, call));
      const ended = await this.untilEnded(id, output, call);
      // A tag is given once: where another process was first, the image is there all the same.
      image = await this.image(tag, call);
      if (!image) {
        await host.sleep(LOG_SECONDS, call);
        await output.follow(ended, call);
        throw failure(spec, ended, output);
      }
    }
    await sources.remove(tag, call);
    return image;
  }

  async discard(owner: ImageOwner, call: Call): Promise<void> {
    const { ecr, foundation, sources, host, logs } = this.parts;
    const tag = this.tagOf(owner);
    const { id } = (await this.running(tag, call)) ?? {};
    if (id !== undefined) {
      await this.stop(id, call.signal);
      await this.untilEnded(id, new BuildOutput(logs, host, () => undefined), call);
    }
    await removeImage(ecr, foundation.repository, { imageTag: tag }, call);
    await sources.remove(tag, call);
  }

  private tagOf({ environment, service }: ImageOwner): string {
    return this.parts.host.name(['build', environment, service], { maxLength: 63 });
  }

  private async image(tag: string, call: Call): Promise<ImageArtefact | undefined> {
    const { ecr, foundation } = this.parts;
    const command = new DescribeImagesCommand({
      repositoryName: repositoryName(foundation.repository),
      imageIds: [{ imageTag: tag }],
    });
    const sent = ecr.send(command, { abortSignal: call.signal });
    const digest = (await unlessAbsent(sent, ['ImageNotFound']))?.imageDetails?.[0]?.imageDigest;
    return digest === undefined ? undefined : { kind: 'image', reference: `${foundation.repository}@${digest}` };
  }

  /** Among the last hundred of the project. */
  private async running(tag: string, call: Call): Promise<Build | undefined> {
    const { codeBuild, project } = this.parts;
    const command = new ListBuildsForProjectCommand({ projectName: project, sortOrder: 'DESCENDING' });
    const asked = this.paced(call, (options) => codeBuild.send(command, options));
    const { ids = [] } = (await unlessAbsent(asked, ['ResourceNotFound'])) ?? {};
    const isOfTag = ({ environment }: Build): boolean =>
      environment?.environmentVariables?.some(({ name, value }) => name === TAG && value === tag) === true;
    return (await this.described(ids, call)).find((build) => !hasEnded(build) && isOfTag(build));
  }

  /** One that was stopped is no answer for who asks again by its token. */
  private async start(spec: ImageBuildSpec, tag: string, call: Call): Promise<Build> {
    const { sources, foundation, project } = this.parts;
    const source = await sources.put(tag, spec.source, spec.labels, call);
    for (let use = 'build'; ;) {
      const command = new StartBuildCommand({
        projectName: project,
        idempotencyToken: call.token(use),
        buildspecOverride: buildspecOf(spec.labels),
        environmentVariablesOverride: [...variablesOf(spec, source, foundation, tag)],
      });
      const { build } = await this.withProject(call, command);
      if (!build?.id) throw new ProviderError('internal', 'CodeBuild started a build without an id');
      if (build.buildStatus !== 'STOPPED') return build;
      use = build.id;
    }
  }

  /** The first build of a stage makes the project. */
  private async withProject(call: Call, command: StartBuildCommand) {
    const { codeBuild } = this.parts;
    const ask = () => this.paced(call, (options) => codeBuild.send(command, options));
    const answer = await unlessAbsent(ask(), ['ResourceNotFound']);
    if (answer) return answer;
    // Once for all services, which are built side by side.
    this.making ??= this.parts.makeProject(call).finally(() => (this.making = undefined));
    await this.making;
    const again = await unlessAbsent(ask(), ['ResourceNotFound']);
    if (again) return again;
    throw new ProviderError('unavailable', `CodeBuild does not show the project ${this.parts.project} yet`, {
      ...{ effect: 'none', retry: 'safe' },
    });
  }

  private async untilEnded(id: string, output: BuildOutput, call: Call): Promise<Build> {
    let told: string | undefined;
    try {
      for (let seconds = FIRST_SECONDS; ; seconds = Math.min(LONGEST_SECONDS, seconds * 1.5)) {
        const [build] = await this.described([id], call);
        if (!build) throw new ProviderError('not-found', `CodeBuild does not know the build ${id} any more`);
        await output.follow(build, call);
        if (hasEnded(build)) return build;
        const message = `CodeBuild: ${(build.currentPhase ?? 'QUEUED').toLowerCase().replaceAll('_', ' ')}`;
        if (message !== told) call.progress({ message });
        told = message;
        await this.parts.host.sleep(seconds, call);
      }
    } catch (error) {
      if (call.signal.aborted) await this.stop(id, AbortSignal.timeout(STOP_MILLISECONDS)).catch(() => undefined);
      throw error;
    }
  }

  /** One that has ended stays as it is. */
  private async stop(id: string, abortSignal: AbortSignal): Promise<void> {
    const { codeBuild } = this.parts;
    try {
      await codeBuild.send(new StopBuildCommand({ id }), { abortSignal });
    } catch (error) {
      if (!isNamed(error, ['InvalidInput', 'ResourceNotFound'])) throw error;
    }
  }

  private async described(ids: readonly string[], call: Call): Promise<readonly Build[]> {
    if (ids.length === 0) return [];
    const command = new BatchGetBuildsCommand({ ids: ids.slice(0, 100) });
    const { builds = [] } = await this.paced(call, (options) => this.parts.codeBuild.send(command, options));
    return builds;
  }

  private paced<T>(call: Call, send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    return paced(this.parts.host, 'codeBuild', call, send);
  }
}

function hasEnded({ buildStatus }: Build): boolean {
  return buildStatus !== 'IN_PROGRESS';
}

function failure({ service }: ImageOwner, { buildStatus, phases = [], logs }: Build, output: BuildOutput) {
  const contexts = phases.flatMap((phase) => phase.contexts ?? []);
  const why = contexts.map(({ message }) => message?.trim()).find(Boolean) ?? `CodeBuild says ${String(buildStatus)}`;
  return new ProviderError('unhealthy', `the build of service ${service} failed: ${why}${output.lastLines()}`, {
    path: `services.${service}.build`,
    ...(logs?.deepLink !== undefined && { hint: `all that it said: ${logs.deepLink}` }),
  });
}
