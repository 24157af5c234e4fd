"""A language model behind an OpenAI-compatible address on loopback, for the benchmarks of reports.

usage: server.py MODEL.gguf [--port PORT] [--threads N] [--context N] [--log FILE]

llama-cpp-python's own server holds the grammar of the answer against every token of the vocabulary at each step, a
quarter of a million for Gemma, which takes ten times as long as the model itself. Here the most likely token is asked
first, and the others only when the grammar refuses it. A prompt's beginning that the last one shared is not read again,
and a client that has gone is not answered: neither costs the processor anything.

--log appends what was received, a line when it comes and a line when it ends: time, headers, body, status, seconds. It holds prompts: for tests only.
"""

import argparse
import ctypes
import json
import select
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import llama_cpp
import numpy
from llama_cpp.llama_grammar import json_schema_to_gbnf


class Gone(Exception):
    """The client has closed its connection."""


class Grammar:
    """What may follow, by a schema's grammar; None allows everything."""

    def __init__(self, vocabulary, schema):
        self.sampler = None
        if schema is not None:
            self.sampler = llama_cpp.llama_sampler_init_grammar(vocabulary, json_schema_to_gbnf(json.dumps(schema)).encode(), b"root")
            if not self.sampler:
                raise ValueError("the schema gives no grammar")

    def allowed(self, tokens, logits):
        """The logits of `tokens`, minus infinity where the grammar refuses one."""
        if self.sampler is None:
            return logits[tokens]
        data = (llama_cpp.llama_token_data * len(tokens))()
        for place, token in enumerate(tokens):
            data[place] = llama_cpp.llama_token_data(id=int(token), logit=float(logits[token]), p=0.0)
        array = llama_cpp.llama_token_data_array(data=data, size=len(tokens), selected=-1, sorted=False)
        llama_cpp.llama_sampler_apply(self.sampler, ctypes.byref(array))
        return numpy.array([array.data[place].logit for place in range(len(tokens))])

    def next(self, logits):
        """The likeliest token that may stand next."""
        best = int(logits.argmax())
        if numpy.isfinite(self.allowed([best], logits)[0]):
            return best
        for count in (256, len(logits)):
            tokens = numpy.argsort(-logits)[:count]
            for part in range(0, count, 4096):
                found = self.allowed(tokens[part : part + 4096], logits)
                if numpy.isfinite(found).any():
                    return int(tokens[part + int(found.argmax())])
        raise ValueError("the grammar allows no token")

    def accept(self, token):
        if self.sampler is not None:
            llama_cpp.llama_sampler_accept(self.sampler, token)

    def close(self):
        if self.sampler is not None:
            llama_cpp.llama_sampler_free(self.sampler)


class Model:
    def __init__(self, path, threads, context):
        self.llama = llama_cpp.Llama(
            path, n_ctx=context, n_threads=threads, n_threads_batch=threads, n_batch=128, swa_full=True, verbose=False)
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.llama.model)
        self.template = self.llama.metadata.get("tokenizer.chat_template")
        self.lock = threading.Lock()

    def prompt(self, messages):
        """The conversation as text; a file without a template is taken for Gemma's, which has no system's turn."""
        if self.template:
            formatter = llama_cpp.llama_chat_format.Jinja2ChatFormatter(
                template=self.template, eos_token="", bos_token="", add_generation_prompt=True)
            return formatter(messages=messages).prompt
        said = "\n\n".join(message["content"] for message in messages)
        return f"<start_of_turn>user\n{said}<end_of_turn>\n<start_of_turn>model\n"

    def answer(self, request, is_gone):
        tokens = self.llama.tokenize(self.prompt(request["messages"]).encode(), add_bos=not self.template, special=True)
        longest = min(request.get("max_tokens") or 512, self.llama.n_ctx() - len(tokens))
        if longest <= 0:
            raise ValueError("the prompt is longer than the context")
        form = request.get("response_format") or {}
        grammar = Grammar(self.vocabulary, form.get("schema") if form.get("type") == "json_object" else None)
        try:
            # What this prompt shares with the last one stays as it was read.
            known = self.llama.input_ids[: self.llama.n_tokens]
            shared = 0
            while shared < min(len(known), len(tokens) - 1) and known[shared] == tokens[shared]:
                shared += 1
            if not self.llama._ctx.kv_cache_seq_rm(-1, shared, -1):
                self.llama._ctx.kv_cache_clear()
                shared = 0
            self.llama.n_tokens = shared
            for start in range(shared, len(tokens), 128):
                if is_gone():
                    raise Gone
                self.llama.eval(tokens[start : start + 128])
            told, reason = [], "length"
            while len(told) < longest:
                logits = numpy.ctypeslib.as_array(
                    llama_cpp.llama_get_logits_ith(self.llama.ctx, -1), shape=(self.llama.n_vocab(),))
                token = grammar.next(logits)
                if llama_cpp.llama_vocab_is_eog(self.vocabulary, token):
                    reason = "stop"
                    break
                grammar.accept(token)
                told.append(token)
                if is_gone():
                    raise Gone
                self.llama.eval([token])
            return {
                "object": "chat.completion",
                "choices": [{
                    "index": 0, "finish_reason": reason,
                    "message": {"role": "assistant", "content": self.llama.detokenize(told).decode(errors="replace")},
                }],
                "usage": {"prompt_tokens": len(tokens), "shared_tokens": shared, "completion_tokens": len(told)},
            }
        finally:
            grammar.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def reply(self, status, body):
        data = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def is_gone(self):
        if not select.select([self.connection], [], [], 0)[0]:
            return False
        return self.connection.recv(1, socket.MSG_PEEK) == b""

    def do_GET(self):
        self.reply(200, {"object": "list", "data": [{"id": self.server.name, "object": "model"}]})

    def do_POST(self):
        start = time.time()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        entry = {"time": start, "headers": dict(self.headers), "body": body.decode(errors="replace"), "status": "failed"}
        try:
            request = json.loads(body)
            # Also what is never answered, since the server is killed, was received.
            self.note({**entry, "status": "received" if not self.asks_otherwise(request) else 422})
            if self.asks_otherwise(request):
                # As llama-cpp-python's server answers.
                entry["status"] = 422
                return self.reply(422, {"error": {"message": "response_format: only json_object with a schema is known"}})
            with self.server.model.lock:
                entry["waited"] = time.time() - start
                answer = self.server.model.answer(request, self.is_gone)
            entry.update(status=200, usage=answer["usage"], answer=answer["choices"][0]["message"]["content"])
            self.reply(200, answer)
        except (Gone, BrokenPipeError, ConnectionResetError):
            entry["status"] = "gone"
            self.close_connection = True
        except (ValueError, KeyError, TypeError) as error:
            entry["status"] = 400
            self.reply(400, {"error": {"message": str(error)}})
        finally:
            entry["seconds"] = round(time.time() - start, 2)
            if entry["status"] != 422:
                self.note(entry)

    @staticmethod
    def asks_otherwise(request):
        """Whether the answer's form is asked for in another way than this server knows."""
        return (request.get("response_format") or {}).get("type") == "json_schema"

    def note(self, entry):
        if self.server.log:
            with self.server.noting, open(self.server.log, "a", encoding="utf-8") as log:
                log.write(json.dumps(entry, ensure_ascii=False) + "\n")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("model")
    options.add_argument("--port", type=int, default=8192)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--context", type=int, default=8192)
    options.add_argument("--log")
    options = options.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.model = Model(options.model, options.threads, options.context)
    server.name, server.log = options.model.rsplit("/", 1)[-1], options.log
    server.noting = threading.Lock()
    server.serve_forever()


main()
