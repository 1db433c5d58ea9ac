import type { AttributeSection } from './types.js';

/** Security modules and the state of the firmware. */
export const securitySection: AttributeSection = {
  section: 'security',
  attributes: [
    {
      name: 'security.lsm',
      kind: 'text',
      what: 'Security modules in their order.',
      unknown: 'securityfs is not mounted.',
    },
    {
      name: 'security.selinux',
      kind: 'text',
      what: 'enforcing, permissive or disabled.',
    },
    {
      name: 'security.apparmor',
      kind: 'flag',
      what: 'Is AppArmor on?',
    },
    {
      name: 'security.apparmor_profiles',
      kind: 'digest',
      what: 'Digest of the sorted list of loaded profiles with their modes.',
      unknown: 'AppArmor is on and its profiles cannot be read.',
    },
    {
      name: 'security.lockdown',
      kind: 'text',
      what: 'Lockdown mode of the kernel.',
      unknown: 'The kernel does not say.',
    },
    {
      name: 'security.secure_boot',
      kind: 'flag',
      what: 'UEFI variable SecureBoot.',
      unknown: 'There is no UEFI, or it does not say.',
    },
  ],
};
