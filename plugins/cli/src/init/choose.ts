import type { Plan } from './compose.ts';
import { nameOf, type Part } from './part.ts';

/** Asks for what detection can't know. Questions go to the error stream, like all that is no answer. */
export async function chooseParts(plan: Plan): Promise<Plan> {
  const { checkbox, input } = await import('@inquirer/prompts');
  const context = { output: process.stderr };
  const isName = (text: string): true | string =>
    nameOf(text, '') === text || 'lower-case letters, digits and single hyphens';
  const project = await input({ message: "The project's name", default: plan.project, validate: isName }, context);
  if (plan.parts.length < 2) return { ...plan, project };
  const parts = await checkbox<Part>(
    {
      message: 'What is to be deployed?',
      choices: plan.parts.map((part) => ({
        name: `${part.name}: a ${part.kind}, from ${part.why}`,
        value: part,
        checked: true,
      })),
      required: true,
    },
    context,
  );
  return { ...plan, project, parts };
}
