import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';

/** A socket between the tool and the Docker Engine that can be cut, as if the engine had stopped. */
export class EngineCable {
  private readonly open = new Set<Socket>();
  private readonly server = createServer({ allowHalfOpen: true }, (near) => this.join(near));
  private isCut = false;

  private constructor(
    private readonly file: string,
    private readonly engine: string,
  ) {}

  static async lay(file: string): Promise<EngineCable> {
    const engine = (process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock').replace('unix://', '');
    const cable = new EngineCable(file, engine);
    await new Promise<void>((resolve) => cable.server.listen(file, resolve));
    return cable;
  }

  get host(): string {
    return `unix://${this.file}`;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.open) socket.destroy();
  }

  mend(): void {
    this.isCut = false;
  }

  async remove(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    await rm(this.file, { force: true });
  }

  private join(near: Socket): void {
    if (this.isCut) {
      near.destroy();
      return;
    }
    const far = connect({ path: this.engine, allowHalfOpen: true });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => this.open.delete(one));
      one.pipe(other);
    }
  }
}
