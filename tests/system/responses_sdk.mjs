// A whole chat by OpenAI's SDK of npm: a plot, a file in, a branch, a stream that goes on. The first argument is the
// address of /v1, OPENAI_API_KEY a token; says "ok" at the end.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const apiKey = process.env.OPENAI_API_KEY;
const client = new OpenAI({ baseURL: process.argv[2], apiKey, maxRetries: 0 });
const cells = (response) => response.output.filter((item) => item.type === 'code_interpreter_call');
// A cell in a branch begins with what became of its variables.
const printed = (response) => cells(response).at(-1).outputs.at(-1).logs.trim();
const text = (response) => response.output.filter((item) => item.type === 'message')
  .flatMap((item) => item.content).map((part) => part.text).join('');

const models = await client.models.list();
assert.ok(models.data.length > 0);

const plot = "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()";
const stream = client.responses.stream({ model: models.data[0].id, input: [{ role: 'user', content: [
  { type: 'input_text', text: `[[python: ${plot}; n = len(open('t.csv').read())]][[then]][[text: plotted]]` },
  { type: 'input_file', filename: 't.csv', file_data: Buffer.from('a,b\n').toString('base64') }] }] });
const deltas = [];
stream.on('response.output_text.delta', (event) => deltas.push(event.delta));
const first = await stream.finalResponse();
assert.equal(text(first), 'plotted');
assert.equal(deltas.join(''), 'plotted');
const picture = cells(first)[0].outputs.find((each) => each.type === 'image');
assert.equal((await fetch(picture.url, { headers: { Authorization: `Bearer ${apiKey}` } })).headers.get('content-type'), 'image/png');

const second = await client.responses.create({ input: '[[python: n += 1; print(n)]][[then]][[text: on]]',
  previous_response_id: first.id });
assert.equal(second.output_text, 'on');
assert.equal(printed(second), '5');
const branch = await client.responses.create({ input: '[[python: n += 2; print(n)]][[then]][[text: off]]',
  previous_response_id: first.id });
assert.equal(printed(branch), '6');

// Broken off after some events, and gone on with by their numbers.
const events = [];
for await (const event of await client.responses.create({ stream: true,
  input: '[[python: print(n)]][[then]][[text: end]]', previous_response_id: second.id })) {
  events.push(event);
  if (event.type === 'response.code_interpreter_call_code.done') break;
}
const rest = await client.responses.retrieve(events[0].response.id,
  { stream: true, starting_after: events.at(-1).sequence_number });
for await (const event of rest) events.push(event);
assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
const last = events.at(-1).response;
assert.equal(last.status, 'completed');
assert.deepEqual((await client.responses.retrieve(last.id)).output, last.output);

// What the SDK's own accumulator makes of the events is the response.
const replayed = await client.responses.stream({ response_id: last.id }).finalResponse();
assert.equal(text(replayed), 'end');

assert.equal((await client.responses.inputItems.list(last.id)).data[0].role, 'user');
assert.equal((await client.responses.cancel(last.id)).id, last.id);
const alone = await client.responses.create({ input: '[[text: alone]]' });
await client.responses.delete(alone.id);
await assert.rejects(client.responses.retrieve(alone.id), OpenAI.NotFoundError);

await assert.rejects(client.responses.create({ input: 'x', temperature: 0.5 }), (error) =>
  error instanceof OpenAI.BadRequestError && error.param === 'temperature' && error.code === 'unsupported_parameter');
await assert.rejects(client.responses.retrieve('resp_9999_9999'), OpenAI.NotFoundError);
console.log('ok');
