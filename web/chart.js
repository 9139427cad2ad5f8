// Draws the chart whose data stands in this document, a frame of the page, and tells the page its height, or that it
// cannot be drawn. The data is hostile. The document's policy leaves it no network; what follows keeps the libraries
// from trying, and from offering what could not work here.
'use strict';

{
  const stage = document.getElementById('chart');
  const source = document.getElementById('data');
  const heightUnlessGiven = 450; // pixels
  const svgCharactersMax = 200_000; // of data: above it Vega paints one canvas, because elements would be too many
  // Plotly would wait for the tiles of these for ever.
  const tiled = /^(scatter|choropleth|density)map(box)?$/;

  const tell = (message) => parent.postMessage(message, '*');

  async function drawPlotly({ data, layout, frames, config }) {
    if (data.some((trace) => tiled.test(trace?.type))) throw new Error('Maps are made of tiles from elsewhere.');
    await Plotly.newPlot(stage, {
      data,
      layout: { height: heightUnlessGiven, ...layout },
      frames,
      config: {
        scrollZoom: config?.scrollZoom,
        staticPlot: config?.staticPlot,
        responsive: true,
        displaylogo: false,
        modeBarButtonsToRemove: ['toImage'], // a frame may not download
      },
    });
    return layout?.paper_bgcolor ?? layout?.template?.layout?.paper_bgcolor;
  }

  async function drawVega({ $schema, usermeta, ...spec }) {
    let refused = false;
    const refuse = async () => {
      refused = true;
      throw new Error('A chart may not load anything.');
    };
    const loader = {
      load: refuse,
      http: refuse,
      file: refuse,
      sanitize: async (uri, options) => {
        if (options?.context !== 'image' || !String(uri).startsWith('data:image/')) return refuse();
        return { href: uri };
      },
    };
    // Without `usermeta`, which could set these options otherwise; `ast` has expressions interpreted, not compiled.
    const { view } = await vegaEmbed(stage, spec, {
      mode: 'vega-lite', // of any version: what is known is drawn
      ast: true,
      loader,
      actions: false,
      defaultStyle: false,
      renderer: source.textContent.length > svgCharactersMax ? 'canvas' : 'svg',
      logLevel: vega.None,
    });
    if (refused) throw new Error('The data of this chart is elsewhere.');
    return view.background();
  }

  async function draw() {
    const chart = JSON.parse(source.textContent);
    const background = await (source.dataset.library === 'plotly' ? drawPlotly(chart) : drawVega(chart));
    if (typeof background === 'string') document.body.style.backgroundColor = background;
    // It says how high it is at first, and again whenever that changes.
    new ResizeObserver(() => tell({ displayHeight: stage.offsetHeight })).observe(stage);
  }

  draw().catch((error) => {
    console.info('This chart cannot be drawn:', error);
    tell({ displayFailed: true });
  });
}
