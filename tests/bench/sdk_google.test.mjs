// varro-model's generateContent against Google's own SDK, streamed and not. Run by `node --test`; needs
// VARRO_MODEL_BINARY and `npm ci`.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load, png, pythonSchema, startModel } from './model_process.mjs';

// Google supports its SDK on Node 20 and later; Debian 12 has 18.
const old = Number(process.versions.node.split('.')[0]) < 20;
const genai = old ? null : await load('@google/genai');
const skip = old ? `SKIPPED: Google's SDK needs Node 20, this is ${process.version}` : genai ? false : 'node_modules is absent';
const names = ['gemini-3.6-flash', 'gemini-3-pro-preview', 'gemini-2.5-pro'];
const model = startModel(['--key', 'right-key', '--models', ...names], skip);

const client = (apiKey = 'right-key') => new genai.GoogleGenAI({ apiKey, httpOptions: { baseUrl: model.url } });
const tools = [{ functionDeclarations: [{ name: 'python', description: 'runs code', parametersJsonSchema: pythonSchema }] }];
const user = (text) => ({ role: 'user', parts: [{ text }] });
const ask = (contents, config = {}, name = 'gemini-3.6-flash') => ({ model: name, contents, config });
const refused = (status, pattern) => (error) => {
  assert.ok(error instanceof genai.ApiError, String(error));
  assert.equal(error.status, status);
  assert.match(error.message, pattern);
  return true;
};
async function chunksOf(prompt) {
  const chunks = [];
  for await (const chunk of await client().models.generateContentStream(prompt)) chunks.push(chunk);
  return chunks;
}
const partsOf = (chunks) => chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);

describe('the Google SDK', { skip }, () => {
  it('streams a text', async () => {
    const chunks = await chunksOf(ask('hi [[text: Grüße, 世界! All is well.]] [[chunks: 7]]'));
    assert.equal(chunks.map((chunk) => chunk.text ?? '').join(''), 'Grüße, 世界! All is well.');
    assert.ok(chunks.length > 7);
    assert.equal(chunks.at(-1).candidates[0].finishReason, 'STOP');
    assert.equal(chunks[0].modelVersion, 'gemini-3.6-flash');
  });

  it('gets the same parts with and without a stream', async () => {
    const config = { tools, thinkingConfig: { includeThoughts: true, thinkingLevel: 'low' } };
    const prompt = ask('[[thinking: hm]] [[text: I look.]] [[python: 1]] [[python: é]] [[chunks: 1]]', config);
    const whole = await client().models.generateContent(prompt);
    const streamed = await chunksOf(prompt);
    for (const parts of [whole.candidates[0].content.parts, partsOf(streamed).filter((part) => part.text !== '')]) {
      assert.deepEqual(parts.map((part) => [part.thought, part.text]).slice(0, 2), [[true, 'hm'], [undefined, 'I look.']]);
      assert.deepEqual(parts.slice(2).map((part) => part.functionCall.args), [{ code: '1' }, { code: 'é' }]);
      assert.deepEqual(parts.slice(2).map((part) => Boolean(part.thoughtSignature)), [true, false]);
    }
    assert.equal(whole.functionCalls.length, 2);
  });

  it('goes through a turn with parallel calls, and what it sends back is accepted', async () => {
    const contents = [user('[[thinking: hm]] [[python: 1]] [[python: 2]] [[text: both: {{result}}]]')];
    const first = await client().models.generateContent(ask(contents, { tools }));
    contents.push(first.candidates[0].content);
    contents.push({ role: 'user', parts: first.functionCalls.map((call, i) =>
      ({ functionResponse: { id: call.id, name: call.name, response: { output: `result ${i}` } } })) });
    const second = await client().models.generateContent(ask(contents, { tools }));
    assert.equal(second.text, 'both: result 1');
    contents.push(second.candidates[0].content);
    contents.push({ role: 'user', parts: [{ text: 'and now? [[text: fine]]' }, { inlineData: { mimeType: 'image/png', data: png } }] });
    assert.equal((await client().models.generateContent(ask(contents, { tools }))).text, 'fine');
  });

  it('keeps a chat by its own means', async () => {
    const chat = client().chats.create({ model: 'gemini-3.6-flash', config: { tools } });
    const first = await chat.sendMessage({ message: '[[python: 1]] [[text: it was {{result}}]]' });
    const [call] = first.functionCalls;
    const response = { functionResponse: { id: call.id, name: call.name, response: { output: 'one' } } };
    assert.equal((await chat.sendMessage({ message: [response] })).text, 'it was one');
    assert.equal((await chat.sendMessage({ message: 'again [[text: yes]]' })).text, 'yes');
  });

  it('is refused without the signature, with a damaged one, and with calls that nobody answered', async () => {
    const question = user('[[python: 1]]');
    const first = (await client().models.generateContent(ask([question], { tools }))).candidates[0].content;
    const response = { role: 'user', parts: [{ functionResponse: { name: 'python', response: { output: '1' } } }] };
    const send = (content, name) => client().models.generateContent(ask([question, content, response], { tools }, name));
    assert.equal((await send(first)).text, 'Done: 1');
    const { thoughtSignature, ...bare } = first.parts[0];
    await assert.rejects(send({ role: 'model', parts: [bare] }), refused(400, /missing a thought_signature in functionCall parts.*default_api:python.*position 2/));
    assert.equal((await send({ role: 'model', parts: [bare] }, 'gemini-2.5-pro')).text, 'Done: 1');
    const damaged = thoughtSignature.slice(0, 30) + (thoughtSignature[30] === 'a' ? 'b' : 'a') + thoughtSignature.slice(31);
    await assert.rejects(send({ role: 'model', parts: [{ ...bare, thoughtSignature: damaged }] }), refused(400, /Corrupted thought signature/));
    await assert.rejects(client().models.generateContent(ask([question, first, user('and?')], { tools })), refused(400, /number of function response parts is equal/));
  });

  it('tells why it stopped', async () => {
    const stop = async (prompt) => {
      const whole = (await client().models.generateContent(ask(prompt, { tools }))).candidates[0];
      const last = (await chunksOf(ask(prompt, { tools }))).at(-1).candidates[0];
      assert.equal(last.finishReason, whole.finishReason);
      return whole;
    };
    assert.equal((await stop('[[text: half a]] [[stop: length]]')).finishReason, 'MAX_TOKENS');
    assert.equal((await stop('[[python-args: {"code": ]]')).finishReason, 'MALFORMED_FUNCTION_CALL');
    const no = await stop('[[refusal: I cannot help with that.]]');
    assert.deepEqual([no.finishReason, no.safetyRatings[0].blocked], ['SAFETY', true]); // the SDK keeps no finishMessage
    const blocked = await client().models.generateContent(ask('[[stop: blocked]]'));
    assert.equal(blocked.promptFeedback.blockReason, 'PROHIBITED_CONTENT');
    assert.equal(blocked.candidates, undefined);
  });

  it('tells usage', async () => {
    const { usageMetadata: usage } = await client().models.generateContent(ask('[[text: four words of text]]'));
    assert.equal(usage.candidatesTokenCount, 5);
    assert.equal(usage.totalTokenCount, usage.promptTokenCount + 5);
  });

  it('tells errors by their status', async () => {
    for (const [status, word] of [[400, 'INVALID_ARGUMENT'], [429, 'RESOURCE_EXHAUSTED'], [500, 'INTERNAL'], [503, 'UNAVAILABLE']])
      await assert.rejects(client().models.generateContent(ask(`[[error: ${status}]]`)), refused(status, new RegExp(word)));
    await assert.rejects(client('wrong-key').models.generateContent(ask('hi')), refused(400, /API key not valid/));
    await assert.rejects(chunksOf(ask('[[text: a]] [[stream-error: 503]]')), /scripted error/);
    await assert.rejects(chunksOf(ask('[[text: abcdef]] [[drop-middle]]')));
  });

  it('lists models in pages', async () => {
    const found = [];
    const pager = await client().models.list({ config: { pageSize: 2 } });
    for await (const one of pager) found.push(one);
    assert.deepEqual(found.map((one) => one.name), names.map((name) => `models/${name}`));
    assert.ok(found[0].inputTokenLimit > 1_000_000);
    assert.ok(found[0].supportedActions.includes('generateContent'));
    assert.equal((await client().models.get({ model: 'gemini-2.5-pro' })).displayName, 'gemini-2.5-pro');
    await assert.rejects(client().models.get({ model: 'absent' }), refused(404, /NOT_FOUND/));
  });

  it('keeps no key, wherever it stood', async () => {
    const body = JSON.stringify({ contents: [{ role: 'user', parts: [{ text: '[[text: yes]]' }] }] });
    const path = '/v1beta/models/gemini-2.5-pro:streamGenerateContent?key=right-key';
    const answer = await fetch(model.url + path, { method: 'POST', body });
    const chunks = await answer.json(); // without alt=sse a stream is one array
    assert.equal(chunks.map((chunk) => chunk.candidates[0].content.parts.map((part) => part.text).join('')).join(''), 'yes');
    const kept = await model.requests();
    assert.equal(kept.at(-1).path, path.replace('right-key', '***'));
    assert.ok(!JSON.stringify(kept).includes('right-key'));
  });
});
