"""Parity: AWS Lambda's own runtime client and the local provider are put the same questions.

- `corpus` is the questions and, where an answer is meant to be another one, why; `functions/` is the code they run.
- `real` runs them with the real runtime, `ours` with the local provider; `seen` is what is compared.
- `page` writes docs/reference/parity.md out of the corpus.
"""
