/** What is known of one boot of the pod. Whoever proves an ssh to it notes here what came of that. */
export interface Boot {
  /** It has let a connection through, or was asked whether it would. */
  isKnownToForward: boolean;
  /** It has proven once to be the pod. The key of its sshd is pinned since then. */
  isProven: boolean;
  /** Its login shell said nothing when it was asked last. */
  isSilent: boolean;
  /** It has answered wrongly, so silence is no excuse any more. */
  isAccused: boolean;
}

export function unknownBoot(): Boot {
  return { isKnownToForward: false, isProven: false, isSilent: false, isAccused: false };
}
