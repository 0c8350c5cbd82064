import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { ExecuteCommandRequest, Session } from '@aws-sdk/client-ecs';
import type { Container } from 'dockerode';
import { WebSocketServer, type WebSocket } from 'ws';
import { json, refusal, type Answer } from '../exchange.ts';
import { LoopbackServer } from '../loopback-server.ts';
import type { Services } from '../services.ts';
import { AgentChannel, type AgentSession } from './agent-channel.ts';
import { AgentText } from './agent-text.ts';
import { TerminalCommand } from './terminal-command.ts';
import { wordsOf } from './words.ts';

const NOT_ENABLED =
  'The execute command failed because execute command was not enabled when the task was run or the execute command agent isn’t running. Wait and try again or run a new task with execute command enabled and try again.';
const CLOSES_MILLISECONDS = 3000;
const REFUSED = 1008;

/** What a session runs, where and as whom. */
interface Work {
  readonly container: Container;
  readonly words: readonly string[];
  readonly user: string;
  /** An agent that wants nothing of its client begins without one. */
  readonly hasHandshake: boolean;
}
/** A session that was given out. Its token is taken once. */
interface Given extends Work {
  readonly token: string;
  isTaken: boolean;
  command?: TerminalCommand | undefined;
  socket?: WebSocket;
}

/** Sessions of ECS Exec and of Session Manager: each runs its command in a container, and speaks with its client as AWS's agent does. */
export class ExecSessions {
  readonly #given = new Map<string, Given>();
  readonly #open = new Map<WebSocket, TerminalCommand | undefined>();
  readonly #idle = new Set<TerminalCommand>();
  readonly #sockets = new WebSocketServer({ noServer: true });

  private constructor(
    private readonly services: Services,
    private readonly server: LoopbackServer,
  ) {}

  static async listen(services: Services): Promise<ExecSessions> {
    const server = createServer((_, response) => response.writeHead(426).end());
    const sessions = new ExecSessions(services, await LoopbackServer.listen(server));
    server.on('upgrade', (request, socket, head) => {
      const id = /^\/v1\/data-channel\/([\w-]+)\?role=publish_subscribe$/.exec(request.url ?? '')?.[1];
      const given = sessions.#given.get(id ?? '');
      if (!given) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      else sessions.#sockets.handleUpgrade(request, socket, head, (opened) => sessions.#serve(opened, given));
    });
    return sessions;
  }

  /** @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExecuteCommand.html */
  execute(input: Partial<ExecuteCommandRequest>): Answer {
    const { cluster = 'default', task: id = '', container, command = '', interactive } = input;
    const task = this.services.task(cluster, id);
    if (interactive !== true)
      return refusal('InvalidParameterException', 'Interactive is the only mode supported currently.');
    if (!task) return refusal('InvalidParameterException', 'The referenced task was not found.');
    if (!task.takesCommands) return refusal('InvalidParameterException', NOT_ENABLED);
    if (task.isAgentBarred) {
      return refusal(
        'TargetNotConnectedException',
        'The execute command failed due to an internal error. Try again later.',
      );
    }
    const its = task.containerNamed(container);
    if (!its) return refusal('InvalidParameterException', `The container ${String(container)} does not run.`);
    const session = this.give('ecs-execute-command', {
      container: this.services.container(its),
      words: wordsOf(command),
      user: '0',
      hasHandshake: true,
    });
    return json(
      { headers: {} },
      { clusterArn: task.place.cluster, taskArn: task.arn, containerName: container, interactive, session },
    );
  }

  /** @param kind - Which its id begins with. */
  give(kind: string, work: Work): Required<Session> {
    const sessionId = `${kind}-${randomBytes(9).toString('hex')}`;
    const tokenValue = randomBytes(48).toString('base64');
    this.#given.set(sessionId, { ...work, token: tokenValue, isTaken: false });
    const streamUrl = `${this.server.url.replace('http', 'ws')}/v1/data-channel/${sessionId}?role=publish_subscribe`;
    return { sessionId, streamUrl, tokenValue };
  }

  /** Ends what it runs, whether its client is there or not. */
  async terminate(sessionId: string): Promise<void> {
    const given = this.#given.get(sessionId);
    this.#given.delete(sessionId);
    await given?.command?.end();
    given?.socket?.terminate();
  }

  /** The network goes: neither side learns of it from the other. */
  cut(): void {
    for (const socket of this.#open.keys()) socket.terminate();
  }

  /** As 20 minutes after nothing was said any more. */
  async endIdle(): Promise<void> {
    await Promise.all([...this.#idle].map(async (command) => command.end()));
    this.#idle.clear();
  }

  async end(): Promise<void> {
    this.cut();
    const commands = [...this.#open.values(), ...this.#idle];
    await Promise.all(commands.map(async (command) => command?.end()));
    await this.server.end();
  }

  #serve(socket: WebSocket, given: Given): void {
    given.socket = socket;
    this.#open.set(socket, undefined);
    const text = new AgentText();
    let last = Promise.resolve();
    const inOrder = (step: () => Promise<void> | undefined): void => {
      last = last.then(step);
    };
    const close = (why: string): void => {
      const until = Date.now() + CLOSES_MILLISECONDS;
      const look = setInterval(() => {
        if (!channel.isDone && Date.now() < until) return;
        clearInterval(look);
        channel.close(why);
        socket.close();
      }, 10);
    };
    const session: AgentSession = {
      start: () => {
        TerminalCommand.start(given.container, given.words, given.user).then(
          (started) => {
            given.command = started;
            this.#open.set(socket, started);
            started.onOutput(
              (bytes) => channel.output(text.pass(bytes)),
              () => {
                given.command = undefined;
                close('');
              },
            );
          },
          (error: unknown) => close(`----------ERROR-------\nUnable to start command: ${messageOf(error)}\n`),
        );
      },
      input: (bytes) =>
        inOrder(async () => {
          given.command?.write(bytes);
          return Promise.resolve();
        }),
      resize: (size) => inOrder(async () => given.command?.resize(size)),
      refused: close,
    };
    const channel = new AgentChannel((bytes) => socket.send(bytes), session, {
      isWithoutHandshake: !given.hasHandshake,
    });
    socket.on('message', (data, isBinary) => {
      const bytes = data as Buffer; // of a socket whose type of binary nobody changed
      if (isBinary) channel.receive(bytes);
      else if (isOpening(bytes.toString(), given)) channel.open();
      else socket.close(REFUSED, 'the token is not valid');
    });
    socket.on('close', () => {
      channel.end();
      this.#open.delete(socket);
      if (given.command) this.#idle.add(given.command);
    });
    socket.on('error', () => undefined);
  }
}

/** @see https://github.com/aws/session-manager-plugin/blob/mainline/src/service/service.go */
function isOpening(text: string, given: Given): boolean {
  const { MessageSchemaVersion, RequestId, TokenValue, ClientId, ClientVersion } = JSON.parse(text);
  const isWhole =
    MessageSchemaVersion === '1.0' && [RequestId, ClientId].every(isUuid) && /^[\d.]+$/.test(ClientVersion);
  if (!isWhole || TokenValue !== given.token || given.isTaken) return false;
  given.isTaken = true;
  return true;
}

function isUuid(value: unknown): boolean {
  return typeof value === 'string' && value.length === randomUUID().length;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
