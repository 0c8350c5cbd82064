/** Of it, what is played. */
export interface Buildspec {
  readonly phases: Readonly<Partial<Record<(typeof PHASES)[number], { readonly commands?: readonly string[] }>>>;
}

const PHASES = ['install', 'pre_build', 'build', 'post_build'] as const;

/** @param text - In JSON. @see https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html */
export function parseBuildspec(text: string): Buildspec {
  const spec: Buildspec = JSON.parse(text);
  const unknown = Object.keys(spec.phases).filter((name) => !PHASES.some((phase) => phase === name));
  if (unknown.length > 0) throw new Error(`a buildspec has no phase ${unknown.join(', ')}`);
  return spec;
}

/** All commands in one shell, one after the other up to the first that fails. @param mark - Where it writes down the phase and the command that it is at. */
export function scriptOf({ phases }: Buildspec, mark: string): string {
  const commands = PHASES.flatMap((phase) =>
    (phases[phase]?.commands ?? []).map((command) => {
      const at = quoted(`${phase.toUpperCase()}\n${command}`);
      const told = quoted(`[Container] Running command ${command}`);
      return `printf %s ${at} >${quoted(mark)}\nprintf '%s\\n' ${told}\n{ ${command}\n} || exit $?\n`;
    }),
  );
  return commands.join('');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
