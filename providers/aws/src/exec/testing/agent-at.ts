import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { AgentChannel, type Faults } from '@clusternator/emulators/agent-channel';
import { AgentText } from '@clusternator/emulators/agent-text';
import { wordsOf } from '@clusternator/emulators/agent-words';
import { LoopbackServer } from '@clusternator/emulators/loopback-server';
import { WebSocketServer } from 'ws';
import type { StreamPlace } from '../data-channel.ts';

/** An agent that runs a line in a terminal of this machine. */
export interface Agent {
  readonly place: StreamPlace;
  cut(): void;
  end(): Promise<void>;
}

/** `script` gives it a terminal: /dev/ptmx is out of Node's reach. */
export async function agentAt(line: string, faults: Faults = {}): Promise<Agent> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const ends: (() => void)[] = [];
  sockets.on('connection', (socket) => {
    const text = new AgentText();
    const one = new AgentChannel(
      (bytes) => socket.send(bytes),
      {
        start() {
          const quoted = wordsOf(line).map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
          const child = spawn('script', ['-qec', `exec ${quoted.join(' ')}`, '/dev/null'], { detached: true });
          ends.push(() => child.kill('SIGKILL'));
          child.stdout.on('data', (bytes: Buffer) => one.output(text.pass(bytes)));
          child.on('close', () => {
            one.close('');
            socket.close();
          });
          this.input = (bytes) => child.stdin.write(bytes);
        },
        input: () => undefined,
        resize: () => undefined,
        refused: (why) => one.close(why),
      },
      faults,
    );
    socket.on('message', (data, isBinary) => (isBinary ? one.receive(data as Buffer) : one.open())); // the type of binary is as it was
    socket.on('close', () => one.end());
    socket.on('error', () => undefined);
  });
  const listening = await LoopbackServer.listen(server);
  return {
    place: { streamUrl: listening.url.replace('http', 'ws'), tokenValue: 'token' },
    cut: () => {
      for (const socket of sockets.clients) socket.terminate();
    },
    async end() {
      for (const end of ends) end();
      await listening.end();
    },
  };
}
