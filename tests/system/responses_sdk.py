"""A whole chat by OpenAI's SDK of PyPI: a plot, a file in, a branch, a stream that goes on. The first argument is the
address of /v1, OPENAI_API_KEY a token; says "ok" at the end."""

import base64
import sys

import openai


client = openai.OpenAI(base_url=sys.argv[1], max_retries=0)


def printed(response):
    """By its last cell; one in a branch begins with what became of its variables."""
    cells = [item for item in response.output if item.type == "code_interpreter_call"]
    return cells[-1].outputs[-1].logs.strip()


model = client.models.list().data[0].id
plot = "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()"
with client.responses.stream(model=model, input=[{"role": "user", "content": [
        {"type": "input_text", "text": f"[[python: {plot}; n = len(open('t.csv').read())]][[then]][[text: plotted]]"},
        {"type": "input_file", "filename": "t.csv", "file_data": base64.b64encode(b"a,b\n").decode()}]}]) as stream:
    deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
    first = stream.get_final_response()
assert first.output_text == "".join(deltas) == "plotted", first
pictures = [each.url for item in first.output if item.type == "code_interpreter_call" for each in item.outputs
            if each.type == "image"]
assert pictures, first

second = client.responses.create(input="[[python: n += 1; print(n)]][[then]][[text: on]]",
                                 previous_response_id=first.id)
assert printed(second) == "5", second
branch = client.responses.create(input="[[python: n += 2; print(n)]][[then]][[text: off]]",
                                 previous_response_id=first.id)
assert printed(branch) == "6", branch

events = []
with client.responses.create(input="[[python: print(n)]][[then]][[text: end]]", previous_response_id=second.id,
                             stream=True) as stream:
    for event in stream:
        events.append(event)
        if event.type == "response.code_interpreter_call_code.done":
            break
rest = client.responses.retrieve(events[0].response.id, stream=True, starting_after=events[-1].sequence_number)
events += list(rest)
assert [event.sequence_number for event in events] == list(range(len(events))), events
assert events[-1].response.output_text == "end"
items = client.responses.input_items.list(first.id).data
assert [part.type for part in items[0].content] == ["input_text"], items
assert client.responses.cancel(second.id).status == "completed"
alone = client.responses.create(input="[[text: alone]]")
client.responses.delete(alone.id)
try:
    client.responses.retrieve(alone.id)
    raise AssertionError("a deleted response is there")
except openai.NotFoundError:
    pass
try:
    client.responses.create(input="x", temperature=0.5)
    raise AssertionError("a temperature was taken")
except openai.BadRequestError as error:
    assert error.param == "temperature", error
print("ok")
