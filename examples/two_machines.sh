#!/usr/bin/env bash
# A training over two machines, rehearsed on one: two torchrun agents of one process each that meet at one address.
#
#     bash examples/two_machines.sh examples/two_machines.toml -o runs/two.safetensors [--resume]
#
# On real machines each agent is started on its own, with the address of machine 0. Exits with the worse of both codes.
set -u
agent() {
    "${PYTHON:-python}" -m torch.distributed.run --nnodes 2 --node-rank "$1" --nproc-per-node 1 \
        --master-addr 127.0.0.1 --master-port "${PORT:-29500}" -m deepjscc train "${@:2}"
}
agent 0 "$@" &
first=$!
agent 1 "$@" &
second=$!
wait "$first"
code=$?
wait "$second"
other=$?
exit $((code > other ? code : other))
