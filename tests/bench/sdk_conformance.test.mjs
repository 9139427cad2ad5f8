// varro-model against the vendors' own SDKs: if they read its streams as their servers', then what Varro's client is
// tested with is what the vendors speak. Run by `node --test`; needs VARRO_MODEL_BINARY and `npm ci`.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load, pythonSchema, startModel } from './model_process.mjs';

const Anthropic = (await load('@anthropic-ai/sdk'))?.default;
const OpenAI = (await load('openai'))?.default;
const skip = Anthropic && OpenAI ? false : 'node_modules is absent';

const anthropicTools = [{ name: 'python', description: 'runs code', input_schema: pythonSchema }];
const openaiTools = [{ type: 'function', function: { name: 'python', description: 'runs code', parameters: pythonSchema } }];
const thinking = { type: 'enabled', budget_tokens: 1024 };

const model = startModel(['--key', 'right-key', '--retires', 'scripted-mini=2027-01-01'], skip);
const { state, requests } = model;
const anthropic = (options = {}) => new Anthropic({ baseURL: model.url, apiKey: 'right-key', authToken: null, ...options });
const openai = (options = {}) => new OpenAI({ baseURL: `${model.url}/v1`, apiKey: 'right-key', ...options });
const user = (content) => ({ role: 'user', content });
const ask = (content, more = {}) => ({ model: 'scripted', max_tokens: 4096, messages: [user(content)], ...more });

describe('the Anthropic SDK', { skip }, () => {
  it('streams a text', async () => {
    const seen = [];
    const stream = anthropic().messages.stream(ask('hi [[text: Grüße, 世界! All is well.]] [[chunks: 7]]'));
    stream.on('text', (delta) => seen.push(delta));
    const message = await stream.finalMessage();
    assert.equal(await stream.finalText(), 'Grüße, 世界! All is well.');
    assert.equal(seen.length, 7);
    assert.equal(message.stop_reason, 'end_turn');
    assert.match(message.id, /^msg_01/);
    assert.equal(message.model, 'scripted');
  });

  it('gets the same blocks with and without a stream', async () => {
    const prompt = ask('[[thinking: hm]] [[text: I look.]] [[tool: python {"code": "1"}]] [[tool: python {"code": "é\\n2"}]]',
      { thinking, tools: anthropicTools });
    const whole = await anthropic().messages.create(prompt);
    const streamed = await anthropic().messages.stream(prompt).finalMessage();
    for (const message of [whole, streamed]) {
      assert.deepEqual(message.content.map((block) => block.type), ['thinking', 'text', 'tool_use', 'tool_use']);
      assert.equal(message.content[0].thinking, 'hm');
      assert.ok(message.content[0].signature.length > 10);
      assert.deepEqual(message.content.slice(2).map((block) => block.input), [{ code: '1' }, { code: 'é\n2' }]);
      assert.equal(message.stop_reason, 'tool_use');
    }
    assert.equal(whole.content[0].signature, streamed.content[0].signature);
  });

  it('goes through a turn with parallel calls and thinking, and what it sends back is accepted', async () => {
    const client = anthropic();
    const messages = [user('[[thinking: hm]] [[python: 1]] [[python: 2]] [[text: both: {{result}}]]')];
    const first = await client.messages.stream(ask('', { messages, thinking, tools: anthropicTools })).finalMessage();
    const calls = first.content.filter((block) => block.type === 'tool_use');
    assert.equal(calls.length, 2);
    assert.notEqual(calls[0].id, calls[1].id);
    messages.push({ role: 'assistant', content: first.content });
    messages.push(user(calls.map((call, i) => ({ type: 'tool_result', tool_use_id: call.id, content: `result ${i}` }))));
    const second = await client.messages.stream(ask('', { messages, thinking, tools: anthropicTools })).finalMessage();
    assert.deepEqual(second.content.map((block) => [block.type, block.text]), [['text', 'both: result 1']]);
  });

  it('is refused with a history that the vendor refuses', async () => {
    const client = anthropic({ maxRetries: 0 });
    const call = { type: 'tool_use', id: 'toolu_1', name: 'python', input: {} };
    const lost = [user('hi'), { role: 'assistant', content: [call] }, user('and now?')];
    await assert.rejects(client.messages.create(ask('', { messages: lost })), (error) => {
      assert.ok(error instanceof Anthropic.BadRequestError);
      assert.equal(error.error.error.type, 'invalid_request_error');
      assert.match(error.message, /`tool_use` ids were found without `tool_result` blocks immediately after: toolu_1/);
      return true;
    });
  });

  it('tells usage', async () => {
    const prompt = ask('[[text: four words of text]]');
    for (const message of [await anthropic().messages.create(prompt), await anthropic().messages.stream(prompt).finalMessage()]) {
      assert.ok(message.usage.input_tokens > 10);
      assert.equal(message.usage.output_tokens, 5);
      assert.equal(message.usage.cache_read_input_tokens, 0);
    }
  });

  it('tries again after 529 and retry-after, and after a dropped connection', async () => {
    for (const failure of ['[[error: 529 x2]] [[retry-after: 0]]', '[[drop: x1]]']) {
      const before = (await state()).requests;
      const message = await anthropic({ maxRetries: 3 }).messages.create(ask(`${failure} [[text: at last]]`));
      assert.equal(message.content[0].text, 'at last');
      assert.equal((await state()).requests - before, failure.includes('x2') ? 3 : 2);
    }
  });

  it('tells errors by their kinds', async () => {
    const client = anthropic({ maxRetries: 0 });
    for (const [status, kind] of [[400, 'BadRequestError'], [403, 'PermissionDeniedError'], [429, 'RateLimitError'], [500, 'InternalServerError']])
      await assert.rejects(client.messages.create(ask(`[[error: ${status}]]`)), (error) => error instanceof Anthropic[kind] && error.status === status);
    await assert.rejects(anthropic({ apiKey: 'wrong-key' }).messages.create(ask('hi')), Anthropic.AuthenticationError);
    await assert.rejects(client.messages.stream(ask('[[text: a]] [[stream-error: 529]]')).finalMessage(), (error) => {
      assert.match(error.message, /overloaded_error/);
      return true;
    });
    await assert.rejects(client.messages.stream(ask('[[text: abcdef]] [[drop-middle]]')).finalMessage());
  });

  it('goes on with thinking that is bound to what stood before it, and drops what no longer holds', async () => {
    const client = anthropic({ maxRetries: 0 });
    const messages = [user('[[thinking: hm]] [[text: yes]]')];
    const request = (more) => ({ model: 'claude-opus-5-5', max_tokens: 4096, system: 'Be brief.', messages, ...more });
    const first = await client.messages.create(request());
    assert.deepEqual(first.content.map((block) => [block.type, block.thinking ?? block.text]), [['thinking', ''], ['text', 'yes']]);
    messages.push({ role: 'assistant', content: first.content }, user('and? [[text: still]]'));
    assert.equal((await client.messages.create(request())).content[0].text, 'still');
    const changed = { system: 'Be long.' };
    await assert.rejects(client.messages.create(request(changed)), (error) => {
      assert.ok(error instanceof Anthropic.BadRequestError);
      assert.match(error.message, /messages\.1\.content\.0: Invalid `signature` in `thinking` block\. The block is bound to a different conversation/);
      return true;
    });
    const drop = { ...changed, thinking: { type: 'adaptive', block_binding: { prefix_mismatch_behavior: 'drop_block' } } };
    await assert.rejects(client.messages.create(request(drop)), /block_binding: Extra inputs are not permitted/);
    const headers = { 'anthropic-beta': 'thinking-binding-controls-2026-08-01' };
    for (const answer of [await client.messages.create(request(drop), { headers }), await client.messages.stream(request(drop), { headers }).finalMessage()])
      assert.deepEqual(answer.input_transformations, [{ type: 'thinking_dropped', path: 'messages.1.content.0', reason: 'prefix_binding_mismatch' }]);
  });

  it('tells a refusal and its explanation', async () => {
    const prompt = ask('[[refusal: I cannot help with that.]]');
    for (const message of [await anthropic().messages.create(prompt), await anthropic().messages.stream(prompt).finalMessage()])
      assert.equal(message.stop_reason, 'refusal');
    assert.equal((await anthropic().messages.create(prompt)).stop_details.explanation, 'I cannot help with that.');
  });

  it('lists models in pages', async () => {
    const ids = [];
    for await (const one of anthropic().models.list({ limit: 1 })) ids.push(one.id);
    assert.deepEqual(ids, ['scripted', 'scripted-mini']);
    const one = await anthropic().models.retrieve('scripted');
    assert.deepEqual([one.display_name, one.lifecycle, one.retires_at], ['scripted', 'active', null]);
    assert.ok(one.max_input_tokens > one.max_tokens);
    assert.equal(one.capabilities.thinking.types.adaptive.supported, true);
    const old = await anthropic().models.retrieve('scripted-mini');
    assert.deepEqual([old.lifecycle, old.retires_at], ['deprecated', '2027-01-01T00:00:00Z']);
    await assert.rejects(anthropic().models.retrieve('absent'), Anthropic.NotFoundError);
  });
});

describe('the OpenAI SDK', { skip }, () => {
  it('streams a text', async () => {
    const stream = openai().chat.completions.stream(ask('hi [[text: Grüße, 世界! All is well.]] [[chunks: 7]]'));
    let deltas = 0;
    stream.on('content', () => ++deltas);
    const completion = await stream.finalChatCompletion();
    assert.equal(completion.choices[0].message.content, 'Grüße, 世界! All is well.');
    assert.equal(deltas, 7);
    assert.equal(completion.choices[0].finish_reason, 'stop');
  });

  it('gets the same message with and without a stream', async () => {
    const prompt = ask('[[text: I look.]] [[python: é]] [[python-args: {"code": ]]', { tools: openaiTools });
    const whole = (await openai().chat.completions.create(prompt)).choices[0];
    const streamed = (await openai().chat.completions.stream(prompt).finalChatCompletion()).choices[0];
    for (const choice of [whole, streamed]) {
      assert.equal(choice.message.content, 'I look.');
      assert.deepEqual(choice.message.tool_calls.map((call) => call.function.arguments), ['{"code":"é"}', '{"code": ']);
      assert.equal(new Set(choice.message.tool_calls.map((call) => call.id)).size, 2);
      assert.equal(choice.finish_reason, 'tool_calls');
    }
  });

  it('goes through a turn with parallel calls, and what it sends back is accepted', async () => {
    const messages = [user('[[thinking: hm]] [[python: 1]] [[python: 2]] [[text: both: {{result}}]]')];
    const prompt = () => ({ model: 'scripted', messages, tools: openaiTools });
    const first = (await openai().chat.completions.stream(prompt()).finalChatCompletion()).choices[0].message;
    assert.equal(first.tool_calls.length, 2);
    assert.equal(first.content, null);
    messages.push({ role: 'assistant', content: first.content, tool_calls: first.tool_calls });
    first.tool_calls.forEach((call, i) => messages.push({ role: 'tool', tool_call_id: call.id, content: `result ${i}` }));
    const second = (await openai().chat.completions.stream(prompt()).finalChatCompletion()).choices[0].message;
    assert.equal(second.content, 'both: result 1');
  });

  it('sees thinking in the field of compatible servers', async () => {
    const prompt = ask('[[thinking: hm, so]] [[text: yes]]', { stream: true });
    let reasoning = '', content = '';
    for await (const chunk of await openai().chat.completions.create(prompt)) {
      reasoning += chunk.choices[0]?.delta.reasoning_content ?? '';
      content += chunk.choices[0]?.delta.content ?? '';
    }
    assert.deepEqual([reasoning, content], ['hm, so', 'yes']);
  });

  it('tells usage at the end of a stream when asked to', async () => {
    const prompt = ask('[[text: four words of text]]', { stream: true });
    const chunksOf = async (more) => {
      const chunks = [];
      for await (const chunk of await openai().chat.completions.create({ ...prompt, ...more })) chunks.push(chunk);
      return chunks;
    };
    const told = (await chunksOf({ stream_options: { include_usage: true } })).at(-1);
    assert.deepEqual(told.choices, []);
    assert.equal(told.usage.completion_tokens, 5);
    assert.equal(told.usage.total_tokens, told.usage.prompt_tokens + 5);
    assert.ok((await chunksOf({})).every((chunk) => !chunk.usage && chunk.choices.length === 1));
  });

  it('is refused with a history that the vendor refuses', async () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'python', arguments: '{}' } };
    const lost = [user('hi'), { role: 'assistant', content: null, tool_calls: [call] }, user('and now?')];
    await assert.rejects(openai().chat.completions.create({ model: 'scripted', messages: lost }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.type, 'invalid_request_error');
      assert.match(error.message, /did not have response messages: call_1/);
      return true;
    });
  });

  it('tries again after 429 and a dropped connection, and tells other errors by their kinds', async () => {
    for (const failure of ['[[error: 429 x1]] [[retry-after: 0]]', '[[drop: x1]]']) {
      const completion = await openai({ maxRetries: 2 }).chat.completions.create(ask(`${failure} [[text: at last]]`));
      assert.equal(completion.choices[0].message.content, 'at last');
    }
    const client = openai({ maxRetries: 0 });
    await assert.rejects(client.chat.completions.create(ask('[[error: 500]]')), OpenAI.InternalServerError);
    await assert.rejects(client.chat.completions.create(ask('[[error: 429]]')), OpenAI.RateLimitError);
    await assert.rejects(openai({ apiKey: 'wrong-key' }).chat.completions.create(ask('hi')), OpenAI.AuthenticationError);
    await assert.rejects(client.chat.completions.stream(ask('[[text: a]] [[stream-error: 500]]')).finalChatCompletion(), /scripted error/);
    await assert.rejects(client.chat.completions.stream(ask('[[text: abcdef]] [[drop-middle]]')).finalChatCompletion());
  });

  it('lists models', async () => {
    const ids = [];
    for await (const one of openai().models.list()) ids.push(one.id);
    assert.deepEqual(ids, ['scripted', 'scripted-mini']);
  });
});

describe('the server beside them', { skip }, () => {
  it('notices a request that its client gives up, and keeps no key', async () => {
    const abort = new AbortController();
    const pending = anthropic({ maxRetries: 0 }).messages.create(ask('[[hold]] never'), { signal: abort.signal });
    while ((await state()).open === 0) await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    await assert.rejects(pending, Anthropic.APIUserAbortError);
    while ((await state()).open > 0) await new Promise((resolve) => setImmediate(resolve));
    const kept = await requests();
    assert.equal(kept.at(-1).body.messages[0].content, '[[hold]] never');
    assert.equal(kept.at(-1).headers['x-api-key'], '***');
    assert.ok(!JSON.stringify(kept).includes('right-key'));
  });

  it('takes a new script while it runs, and lets a held answer go', async () => {
    const rules = [{ when: { user_contains: 'wait' }, answer: { text: 'released', hold: true } }, { when: { match: 2 }, answer: { text: 'the second' } }];
    const set = (script) => fetch(`${model.url}/__script`, { method: 'POST', body: JSON.stringify(script) });
    assert.equal((await set({ rules })).status, 200);
    const held = anthropic().messages.create(ask('wait for it'));
    while ((await state()).open === 0) await new Promise((resolve) => setImmediate(resolve));
    const texts = [];
    for (let i = 0; i < 3; ++i) texts.push((await anthropic().messages.create(ask('[[text: from the prompt]]'))).content[0].text);
    assert.deepEqual(texts, ['from the prompt', 'the second', 'from the prompt']);
    await fetch(`${model.url}/__release`, { method: 'POST' });
    assert.equal((await held).content[0].text, 'released');
    const refused = await set({ rules: [{ answer: { txet: 'x' } }] });
    assert.equal(refused.status, 400);
    assert.match((await refused.json()).error, /rules\[0\].answer: unknown key "txet"/);
    assert.equal((await set({})).status, 200);
  });
});
