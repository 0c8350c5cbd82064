import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { launchChromium } from './chromium.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

test('a person opens the URL of an environment and buys a bread in the shop', async () => {
  await sandbox.repository('shop', ['1.0.1']);
  const { url } = await sandbox.create('--config', 'clusternator.no-engine.config.yaml');
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(url);
    expect(await page.title()).toBe('Shop 1.0.1');
    await page.getByRole('button', { name: 'Buy' }).first().click();
    await page.getByRole('status').getByText('Purchase 1: bread').waitFor();
  } finally {
    await browser.close();
  }
}, 120_000);
