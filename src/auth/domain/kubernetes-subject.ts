// How Kubernetes names a service account in the `sub` of its tokens.

export interface KubernetesAccount {
  readonly namespace: string;
  readonly serviceAccount: string;
}

const form = /^system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})$/;

export function kubernetesSubject({ namespace, serviceAccount }: KubernetesAccount): string {
  return `system:serviceaccount:${namespace}:${serviceAccount}`;
}

/** Undefined when `subject` names none. */
export function parseKubernetesSubject(subject: string): KubernetesAccount | undefined {
  const [, namespace, serviceAccount] = form.exec(subject) ?? [];
  return namespace === undefined || serviceAccount === undefined ? undefined : { namespace, serviceAccount };
}
