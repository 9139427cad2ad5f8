// varro-model's Responses API against OpenAI's own SDK, streamed and not. Run by `node --test`; needs
// VARRO_MODEL_BINARY and `npm ci`.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load, png, pythonSchema, startModel } from './model_process.mjs';

const OpenAI = (await load('openai'))?.default;
const skip = OpenAI ? false : 'node_modules is absent';
const model = startModel(['--key', 'right-key'], skip);

const openai = (options = {}) => new OpenAI({ baseURL: `${model.url}/v1`, apiKey: 'right-key', ...options });
const tools = [{ type: 'function', name: 'python', description: 'runs code', parameters: pythonSchema, strict: false }];
const stateless = { store: false, include: ['reasoning.encrypted_content'], reasoning: { summary: 'auto' }, tools };
const ask = (input, more = {}) => ({ model: 'scripted', input, ...more });
const refused = (parts) => (error) => {
  assert.ok(error instanceof OpenAI.BadRequestError, String(error));
  for (const [key, value] of Object.entries(parts))
    if (value instanceof RegExp) assert.match(error[key], value);
    else assert.equal(error[key], value);
  return true;
};
async function eventsOf(prompt) {
  const events = [];
  for await (const event of await openai().responses.create({ ...prompt, stream: true })) events.push(event);
  return events;
}

describe('the Responses API of the OpenAI SDK', { skip }, () => {
  it('streams a text', async () => {
    const stream = openai().responses.stream(ask('hi [[text: Grüße, 世界! All is well.]] [[chunks: 7]]'));
    const deltas = [];
    stream.on('response.output_text.delta', (event) => deltas.push(event.delta));
    const response = await stream.finalResponse();
    assert.equal(response.output[0].content[0].text, 'Grüße, 世界! All is well.');
    assert.equal(deltas.length, 7);
    assert.equal(deltas.join(''), response.output[0].content[0].text);
    assert.equal(response.status, 'completed');
    assert.match(response.id, /^resp_/);
  });

  it('tells every item when it begins and when it is done, with numbers in a row', async () => {
    const prompt = ask('[[thinking: hm, so]] [[text: I look.]] [[python: 1]] [[python: é]] [[chunks: 2]]', stateless);
    const events = await eventsOf(prompt);
    assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
    const kinds = events.map((event) => event.type.replace('response.', ''));
    assert.deepEqual(kinds, [
      'created', 'in_progress',
      'output_item.added', 'reasoning_summary_part.added', 'reasoning_summary_text.delta', 'reasoning_summary_text.delta',
      'reasoning_summary_text.done', 'reasoning_summary_part.done', 'output_item.done',
      'output_item.added', 'content_part.added', 'output_text.delta', 'output_text.delta', 'output_text.done',
      'content_part.done', 'output_item.done',
      ...['a', 'b'].flatMap(() => ['output_item.added', 'function_call_arguments.delta', 'function_call_arguments.delta',
        'function_call_arguments.done', 'output_item.done']),
      'completed',
    ]);
    const done = events.filter((event) => event.type === 'response.output_item.done').map((event) => event.item);
    const response = events.at(-1).response;
    assert.deepEqual(response.output, done);
    assert.deepEqual(done.map((item) => item.type), ['reasoning', 'message', 'function_call', 'function_call']);
    assert.deepEqual(done[0].summary, [{ type: 'summary_text', text: 'hm, so' }]);
    assert.equal(done[3].arguments, '{"code":"é"}');
    assert.notEqual(done[2].call_id, done[3].call_id);
    assert.deepEqual(response.tools, tools);
    assert.equal(response.store, false);
  });

  it('gets the same items with and without a stream', async () => {
    const prompt = ask('[[thinking: hm]] [[text: I look.]] [[python-args: {"code": ]]', stateless);
    const whole = await openai().responses.create(prompt);
    const streamed = await openai().responses.stream(prompt).finalResponse();
    for (const response of [whole, streamed]) {
      assert.deepEqual(response.output.map((item) => item.type), ['reasoning', 'message', 'function_call']);
      assert.equal(response.output[2].arguments, '{"code": ');
      assert.ok(response.output[0].encrypted_content.length > 100);
    }
  });

  it('goes through a turn with reasoning and parallel calls, and what it sends back is accepted', async () => {
    const input = [{ role: 'user', content: '[[thinking: hm]] [[python: 1]] [[python: 2]] [[text: both: {{result}}]]' }];
    const first = await openai().responses.stream(ask(input, stateless)).finalResponse();
    const calls = first.output.filter((item) => item.type === 'function_call');
    assert.equal(calls.length, 2);
    const clean = first.output.map(({ parsed_arguments: unused, ...item }) => item); // the SDK's own addition
    input.push(...clean);
    calls.forEach((call, i) => input.push({ type: 'function_call_output', call_id: call.call_id, output: `result ${i}` }));
    const second = await openai().responses.create(ask(input, stateless));
    assert.equal(second.output_text, 'both: result 1');
    input.push(...second.output, { role: 'user', content: [{ type: 'input_text', text: 'and now? [[text: fine]]' },
      { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${png}` }] });
    assert.equal((await openai().responses.create(ask(input, stateless))).output_text, 'fine');
  });

  it('is refused without the reasoning, without what followed it, and with reasoning that has changed', async () => {
    const client = openai({ maxRetries: 0 });
    const user = { role: 'user', content: '[[thinking: hm]] [[python: 1]]' };
    const [reasoning, call] = (await client.responses.create(ask([user], stateless))).output;
    const output = { type: 'function_call_output', call_id: call.call_id, output: '1' };
    const send = (items) => client.responses.create(ask(items, stateless));
    assert.equal((await send([user, reasoning, call, output])).output_text, 'Done: 1');
    await assert.rejects(send([user, call, output]),
      refused({ param: 'input', message: new RegExp(`'${call.id}' of type 'function_call' was provided without its required 'reasoning' item: '${reasoning.id}'`) }));
    await assert.rejects(send([user, reasoning]), refused({ message: /of type 'reasoning' was provided without its required following item/ }));
    await assert.rejects(send([user, reasoning, call]), refused({ message: new RegExp(`No tool output found for function call ${call.call_id}`) }));
    await assert.rejects(send([user, output]), refused({ message: /No tool call found for function call output with call_id/ }));
    const changed = { ...reasoning, encrypted_content: reasoning.encrypted_content.replace(/.$/, (c) => (c === 'a' ? 'b' : 'a')) };
    await assert.rejects(send([user, changed, call, output]), refused({ code: 'invalid_encrypted_content', message: /could not be verified/ }));
    const { encrypted_content: unused, ...bare } = reasoning;
    await assert.rejects(send([user, bare, call, output]), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.match(error.message, /Items are not persisted when `store` is set to false/);
      return true;
    });
  });

  it('finds stored items by their ids', async () => {
    const user = { role: 'user', content: '[[thinking: hm]] [[python: 1]]' };
    const [reasoning, call] = (await openai().responses.create(ask([user], { tools }))).output;
    assert.equal(reasoning.encrypted_content, undefined);
    assert.deepEqual(reasoning.summary, []);
    const output = { type: 'function_call_output', call_id: call.call_id, output: '1' };
    const response = await openai().responses.create(ask([user, reasoning, call, output], { tools }));
    assert.equal(response.output_text, 'Done: 1');
  });

  it('tells refusals, what is incomplete, and failures', async () => {
    for (const stream of [false, true]) {
      const get = (prompt) => (stream ? openai().responses.stream(ask(prompt)).finalResponse() : openai().responses.create(ask(prompt)));
      const no = await get('[[refusal: I cannot help with that.]]');
      assert.equal(no.status, 'completed');
      assert.deepEqual([no.output[0].content[0].type, no.output[0].content[0].refusal], ['refusal', 'I cannot help with that.']);
      if (stream) continue; // the SDK's stream helper waits for response.completed
      for (const [stop, reason] of [['length', 'max_output_tokens'], ['content_filter', 'content_filter']]) {
        const cut = await get(`[[text: half a]] [[stop: ${stop}]]`);
        assert.deepEqual([cut.status, cut.incomplete_details, cut.output[0].status], ['incomplete', { reason }, 'incomplete']);
      }
      const failed = await get('[[stop: failed]]');
      assert.deepEqual([failed.status, failed.error.code, failed.usage], ['failed', 'server_error', null]);
    }
    const last = async (prompt) => (await eventsOf(ask(prompt))).at(-1);
    assert.equal((await last('[[text: half a]] [[stop: length]]')).type, 'response.incomplete');
    assert.equal((await last('[[text: half a]] [[stop: failed]]')).type, 'response.failed');
    const error = await last('[[text: half a]] [[stream-error: 429]]');
    assert.deepEqual([error.type, error.code, error.message], ['error', 'rate_limit_exceeded', 'scripted error']);
  });

  it('tells usage', async () => {
    const { usage } = await openai().responses.create(ask('[[text: four words of text]]'));
    assert.equal(usage.output_tokens, 5);
    assert.equal(usage.total_tokens, usage.input_tokens + 5);
    assert.equal(usage.input_tokens_details.cached_tokens, 0);
    assert.equal(usage.output_tokens_details.reasoning_tokens, 0);
  });

  it('knows what each model takes', async () => {
    const client = openai({ maxRetries: 0 });
    const create = (name, more) => client.responses.create(ask('[[thinking: hm]] [[text: yes]]', { model: name, ...more }));
    assert.deepEqual((await create('gpt-6.1-sol', { reasoning: { effort: 'low' } })).output.map((item) => item.type), ['reasoning', 'message']);
    assert.deepEqual((await create('gpt-5.6-sol', { reasoning: { effort: 'none' } })).output.map((item) => item.type), ['message']);
    await assert.rejects(create('gpt-6.1-sol', { reasoning: { effort: 'none' } }),
      refused({ code: 'unsupported_value', param: 'reasoning.effort', message: /Supported values are: 'low', 'medium', 'high', 'xhigh', and 'max'/ }));
    await assert.rejects(create('gpt-4o', { include: ['reasoning.encrypted_content'] }), refused({ message: /Encrypted content is not supported with this model/ }));
    await assert.rejects(create('gpt-6-astra', { temperature: 0.5 }), refused({ param: 'temperature', code: 'unsupported_parameter' }));
    const chat = (name, more) => client.chat.completions.create({ model: name, messages: [{ role: 'user', content: '[[text: yes]]' }], ...more });
    const functions = [{ type: 'function', function: { name: 'python', parameters: pythonSchema } }];
    assert.equal((await chat('gpt-5.6-sol', { tools: functions, reasoning_effort: 'none' })).choices[0].message.content, 'yes');
    assert.equal((await chat('gpt-5.6-sol')).choices[0].message.content, 'yes');
    await assert.rejects(chat('gpt-5.6-sol', { tools: functions }), refused({
      param: 'reasoning_effort', type: 'invalid_request_error',
      message: /Function tools with reasoning_effort are not supported for gpt-5.6-sol in \/v1\/chat\/completions/ }));
    await assert.rejects(chat('gpt-5.5-pro'), (error) => error instanceof OpenAI.NotFoundError && /only supported in v1\/responses/.test(error.message));
  });

  it('tries again after 429 and a dropped connection, and tells other errors by their kinds', async () => {
    for (const failure of ['[[error: 429 x1]] [[retry-after: 0]]', '[[drop: x1]]'])
      assert.equal((await openai({ maxRetries: 2 }).responses.create(ask(`${failure} [[text: at last]]`))).output_text, 'at last');
    const client = openai({ maxRetries: 0 });
    await assert.rejects(client.responses.create(ask('[[error: 500]]')), OpenAI.InternalServerError);
    await assert.rejects(openai({ apiKey: 'wrong-key' }).responses.create(ask('hi')), OpenAI.AuthenticationError);
    await assert.rejects(client.responses.create(ask('hi', { frobnicate: 1 })), refused({ code: 'unknown_parameter', param: 'frobnicate' }));
    await assert.rejects(eventsOf(ask('[[text: abcdef]] [[drop-middle]]')));
  });
});
