import { Errors, toConfiguredId, type Hook } from '@oclif/core';

const FEW = 3;

/** Says which command was probably meant. */
const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const { nearest } = await import('@clusternator/core');
  const known = config.commands.filter((one) => !one.hidden).map((one) => toConfiguredId(one.id, config));
  const asked = toConfiguredId(id, config);
  const close = nearest(asked, known);
  const inTopic = known.filter((one) => one.split(' ')[0] === asked.split(' ')[0]).slice(0, FEW);
  const meant = close ? [close] : inTopic;
  throw new Errors.CLIError(`there is no command "${asked}"`, {
    exit: 2,
    suggestions: [...meant.map((one) => `${config.bin} ${one}`), `${config.bin} help`],
  });
};

export default commandNotFound;
