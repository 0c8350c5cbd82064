import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type {
  BatchGetBuildsOutput,
  Build,
  CreateProjectInput,
  EnvironmentVariable,
  StartBuildInput,
  StartBuildOutput,
  StopBuildOutput,
} from '@aws-sdk/client-codebuild';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { json, refusal, type Answer, type Asked } from '../exchange.ts';
import { BuildLog } from './build-log.ts';
import { BuildRun } from './build-run.ts';
import { parseBuildspec } from './buildspec.ts';

const DEFAULT_MINUTES = 60;
const MINUTE_MILLISECONDS = 60_000;

/** A build, as it was told when it was started, and as it runs. */
interface Started {
  readonly input: StartBuildInput;
  readonly build: Build;
  readonly run: BuildRun;
}

/** Builds of CodeBuild that run, in the place of those that an emulator writes down. */
export class CodeBuildOverlay {
  readonly #projects = new Map<string, CreateProjectInput>();
  readonly #started = new Map<string, Started>();

  /** @param folder - For the builds' files. @param endpoint - Where builds reach the public interface. */
  constructor(
    private readonly logs: CloudWatchLogsClient,
    private readonly folder: string,
    private readonly region: string,
    private readonly endpoint: () => string,
  ) {}

  /** What AWS refuses and the emulators take; and a start that is asked for again. */
  before({ action, input }: Asked): Answer | undefined {
    if (action === 'codebuild.CreateProject') {
      const { source }: Partial<CreateProjectInput> = input;
      const refused = source?.type === 'NO_SOURCE' && (source.location !== undefined || source.buildspec === undefined);
      return refused ? refusal('InvalidInputException', 'NO_SOURCE has a buildspec and no location') : undefined;
    }
    if (action !== 'codebuild.StartBuild' || input.idempotencyToken === undefined) return undefined;
    const known = [...this.#started.values()].find((one) => one.input.idempotencyToken === input.idempotencyToken);
    if (!known) return undefined;
    return isDeepStrictEqual(known.input, input)
      ? json({ headers: {} }, { build: view(known) })
      : refusal('InvalidInputException', 'the idempotency token was used with other parameters');
  }

  /** @param answer - Of the emulator, which wrote it down. */
  after({ action, input }: Asked, answer: Answer): Answer {
    switch (action) {
      case 'codebuild.CreateProject':
        this.#projects.set(String(input.name), input as unknown as CreateProjectInput); // what the action takes
        return answer;
      case 'codebuild.StartBuild': {
        const { build = {} }: StartBuildOutput = JSON.parse(answer.body.toString());
        return json(answer, { build: view(this.#start(input as unknown as StartBuildInput, build)) }); // what the action takes
      }
      case 'codebuild.StopBuild': {
        const { build = {} }: StopBuildOutput = JSON.parse(answer.body.toString());
        this.#started.get(build.id ?? '')?.run.stop();
        return json(answer, { build: this.#truth(build) });
      }
      case 'codebuild.BatchGetBuilds': {
        const said: BatchGetBuildsOutput = JSON.parse(answer.body.toString());
        return json(answer, { ...said, builds: (said.builds ?? []).map((build) => this.#truth(build)) });
      }
      default:
        return answer;
    }
  }

  async end(): Promise<void> {
    for (const { run } of this.#started.values()) run.stop();
    await Promise.all([...this.#started.values()].map(async ({ run }) => run.done));
  }

  #start(input: StartBuildInput, said: Build): Started {
    const project = this.#projects.get(input.projectName ?? '');
    const { type } = project?.source ?? {};
    if (type !== 'NO_SOURCE') throw new Error(`builds of the source ${String(type)} are not played`);
    const [, id = ''] = (said.id ?? '').split(':');
    const { groupName = `/aws/codebuild/${input.projectName ?? ''}`, streamName } =
      project?.logsConfig?.cloudWatchLogs ?? {};
    const stream = streamName === undefined ? id : `${streamName}/${id}`;
    const variables: EnvironmentVariable[] = [
      ...(project?.environment?.environmentVariables ?? []),
      ...(input.environmentVariablesOverride ?? []),
    ];
    const minutes = input.timeoutInMinutesOverride ?? project?.timeoutInMinutes ?? DEFAULT_MINUTES;
    const run = new BuildRun(
      {
        spec: parseBuildspec(input.buildspecOverride ?? project?.source?.buildspec ?? ''),
        variables,
        isPrivileged: input.privilegedModeOverride ?? project?.environment?.privilegedMode ?? false,
        timeoutMilliseconds: minutes * MINUTE_MILLISECONDS,
        folder: path.join(this.folder, 'builds', id),
        environment: {
          AWS_ENDPOINT_URL: this.endpoint(),
          AWS_ACCESS_KEY_ID: 'build',
          AWS_SECRET_ACCESS_KEY: 'build',
          AWS_DEFAULT_REGION: this.region,
          AWS_REGION: this.region,
          CODEBUILD_BUILD_ID: said.id ?? '',
        },
      },
      new BuildLog(this.logs, groupName, stream),
    );
    const environment = { ...project?.environment, environmentVariables: variables } as Build['environment']; // what was asked for
    const started = { input, build: { ...said, environment }, run };
    this.#started.set(said.id ?? '', started);
    return started;
  }

  #truth(build: Build): Build {
    const known = this.#started.get(build.id ?? '');
    return known ? view(known) : build;
  }
}

function view({ build: { endTime: _, ...build }, run }: Started): Build {
  return { ...build, ...run.view() };
}
