"""Writes a tiny llama model of random weights as GGUF: enough to prove protocol, schema and errors, not sense.

    python3 -m pip install gguf numpy
    python3 write_gguf.py tiny.gguf
"""
import sys

import gguf
import numpy as np

DIM, HEADS, LAYERS, HIDDEN, CONTEXT = 64, 4, 2, 128, 8192
SPECIAL = ["<unk>", "<s>", "</s>"]


def main(path: str) -> None:
    rng = np.random.default_rng(7)
    tokens = [t.encode() for t in SPECIAL] + [f"<0x{b:02X}>".encode() for b in range(256)]
    tokens += ["\u2581".encode()] + [bytes([b]) for b in range(0x21, 0x7F)]
    types = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    types += [gguf.TokenType.BYTE] * 256 + [gguf.TokenType.NORMAL] * (len(tokens) - 259)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(DIM)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(DIM // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    def tensor(name, *shape):
        writer.add_tensor(name, (rng.standard_normal(shape) * 0.1).astype(np.float32))

    def ones(name, size):
        writer.add_tensor(name, np.ones(size, dtype=np.float32))

    tensor("token_embd.weight", len(tokens), DIM)
    for i in range(LAYERS):
        ones(f"blk.{i}.attn_norm.weight", DIM)
        ones(f"blk.{i}.ffn_norm.weight", DIM)
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(f"blk.{i}.{part}.weight", DIM, DIM)
        tensor(f"blk.{i}.ffn_gate.weight", HIDDEN, DIM)
        tensor(f"blk.{i}.ffn_up.weight", HIDDEN, DIM)
        tensor(f"blk.{i}.ffn_down.weight", DIM, HIDDEN)
    ones("output_norm.weight", DIM)
    tensor("output.weight", len(tokens), DIM)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1])
