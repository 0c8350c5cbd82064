import { expect, test } from '@jest/globals';
import { World } from '../slot/testing/world.ts';
import { isImageName } from '../artefact/image-name.ts';
import { imageTag } from './build.ts';

test('stages, projects and state folders that share an engine share no tag', () => {
  const session = new World().process();
  const others = [
    session,
    { ...session, stage: 'ci' },
    { ...session, project: 'shop-a' },
    { ...session, options: { ...session.options, stateFolder: '/other' } },
  ];
  const tags = [
    ...others.map((it) => imageTag(it, 'web', 'aaaaaaaaaaaa-1')),
    imageTag(session, 'a-web', 'aaaaaaaaaaaa-1'),
  ];
  expect(new Set(tags).size).toBe(tags.length);
  for (const tag of tags) expect(isImageName(tag)).toBe(true);
});
