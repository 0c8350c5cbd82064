import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AxeBuilder } from '@axe-core/playwright';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../../e2e/src/chromium.ts';
import { serveFolder } from './static-server.ts';

const docs = path.resolve(import.meta.dirname, '../../../docs');
const pages = [
  '/',
  '/docs/guide/getting-started.html',
  '/docs/guide/concepts.html',
  '/docs/guide/promotion-and-rollback.html',
  '/docs/reference/errors.html',
  '/docs/reference/capabilities.html',
];
const views = [
  ['a desktop', { viewport: { width: 1280, height: 900 }, colorScheme: 'light' }],
  ['a phone, in the dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
] as const;

let folder: string;
let site: Awaited<ReturnType<typeof serveFolder>>;
let browser: Browser;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'clusternator-site-'));
  // A dead link fails it.
  execFileSync('npx', ['vitepress', 'build', '.', '--outDir', folder], { cwd: docs, stdio: 'pipe' });
  site = await serveFolder(folder);
  browser = await launchChromium();
}, 180_000);
afterAll(async () => {
  await browser.close();
  await site.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Fails for what a page asks of another host, does not find, or throws. */
async function visit(page: Page, where: string): Promise<readonly string[]> {
  const wrong: string[] = [];
  page.on('response', (response) => response.status() >= 400 && wrong.push(`${response.status()} ${response.url()}`));
  page.on('request', (request) => request.url().startsWith(site.url) || wrong.push(`asks ${request.url()}`));
  page.on('pageerror', (error) => wrong.push(error.message));
  await page.goto(`${site.url}${where}`, { waitUntil: 'networkidle' });
  return wrong;
}

describe.each(views)('on %s', (_, view) => {
  test.each(pages)('%s loads whole, fits, and is accessible', async (where) => {
    const context = await browser.newContext(view);
    try {
      const page = await context.newPage();
      expect(await visit(page, where)).toEqual([]);
      const heading = await page.locator('h1').boundingBox();
      expect(heading?.y).toBeLessThan(view.viewport.height / 2);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect(width).toBeLessThanOrEqual(view.viewport.width);
      for (const picture of await page.locator('main img, main svg.state-diagram').all()) {
        const box = await picture.boundingBox();
        // As narrow as the labels of one straight line of states.
        expect(box?.width).toBeGreaterThan(120);
        expect(box?.height).toBeGreaterThan(80);
      }
      const { violations } = await new AxeBuilder({ page }).analyze();
      const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(grave.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)).toEqual([]);
    } finally {
      await context.close();
    }
  });
});

test('the search finds a page with no other host', async () => {
  const page = await browser.newPage();
  const wrong = await visit(page, '/');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('searchbox').fill('standby');
  await page.getByRole('option').first().click();
  await page
    .getByRole('main')
    .getByText(/standby/i)
    .first()
    .waitFor();
  expect(wrong).toEqual([]);
  await page.close();
});
