import type { AttributeSection } from './types.js';

/** Containers by name. */
export const containerSection: AttributeSection = {
  section: 'container',
  attributes: [
    {
      name: 'container.docker',
      kind: 'number',
      what: 'Containers that docker knows, stopped ones too.',
      unknown: 'docker does not answer. Podman and containerd are not asked for containers.',
    },
    {
      name: 'container.<name>.state',
      kind: 'text',
      what: 'State of one of the first hundred of them, by name.',
    },
    {
      name: 'container.<name>.image',
      kind: 'text',
      what: 'Its image as it was asked for.',
    },
    {
      name: 'container.running',
      kind: 'number',
      volatile: true,
      what: 'Processes that stand for a running container: containerd-shim, conmon.',
    },
  ],
};
