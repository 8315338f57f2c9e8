// Opens each file in headless Chromium, at the width of a desk and of a phone, light and dark, with everything unfolded,
// and fails on whatever axe-core finds, on any request, script, event handler, console message or sideways overflow.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import puppeteer from 'puppeteer-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const views = [[1280, 'light'], [390, 'light'], [1280, 'dark'], [390, 'dark']];
const profile = mkdtempSync(join(tmpdir(), 'postern-chromium-'));
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  userDataDir: profile,
  protocolTimeout: 600_000,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
    '--disable-background-networking', '--disable-component-update'],
});
const wrong = [];
for (const file of process.argv.slice(2)) {
  const url = pathToFileURL(resolve(file)).href;
  const page = await browser.newPage();
  page.setDefaultTimeout(600_000);
  page.on('console', message => wrong.push(`${file}: console: ${message.text()}`));
  page.on('dialog', dialog => { wrong.push(`${file}: dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', request => {
    if (request.url() !== url && request.url() !== 'data:,') wrong.push(`${file}: request: ${request.url()}`);
  });
  for (const [width, scheme] of views) {
    const view = `${file} (${width}, ${scheme})`;
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.setViewport({ width, height: 900 });
    await page.goto(url);
    const seen = await page.evaluate(() => {
      document.querySelectorAll('details').forEach(fold => { fold.open = true; });
      const root = document.documentElement;
      const handlers = [...document.querySelectorAll('*')].filter(e => e.getAttributeNames().some(n => n.startsWith('on')));
      return {
        scripts: document.scripts.length + document.querySelectorAll('iframe, object, embed, form, img').length,
        handlers: handlers.length,
        overflow: root.scrollWidth - root.clientWidth,
        styled: getComputedStyle(document.body).marginTop === '0px',
      };
    });
    if (seen.scripts || seen.handlers || seen.overflow > 0 || !seen.styled) wrong.push(`${view}: ${JSON.stringify(seen)}`);
    await page.evaluate(axe);
    const { violations, passes } = await page.evaluate(tags => axe.run({ runOnly: tags }), tags);
    if (passes.length < 20) wrong.push(`${view}: only ${passes.length} rules passed`);
    for (const { id, nodes } of violations) {
      wrong.push(`${view}: ${id} (${nodes.length}): ${nodes.slice(0, 3).map(node => `${node.html.slice(0, 200)} ${node.failureSummary}`).join('\n   ')}`);
    }
  }
  await page.close();
}
await browser.close();
rmSync(profile, { recursive: true, force: true });
if (wrong.length) {
  console.log(wrong.join('\n'));
  process.exit(1);
}
