import { createExternalStore } from '../../ui/external-store.ts';

export interface ProofAsked {
  methods: readonly string[];
  answer: (proven: boolean) => void;
}

/** What waits until the person has proven again who they are; the dialog above the page shows it. */
export const proofAsked = createExternalStore<ProofAsked | null>(null);

/** Opens the dialog. Several calls that are refused at once wait for the same answer. */
export const askForProof = (methods: readonly string[]): Promise<boolean> =>
  new Promise((resolve) => {
    const waiting = proofAsked.get();
    proofAsked.set({
      methods,
      answer: (proven) => {
        waiting?.answer(proven);
        resolve(proven);
      },
    });
  });
