/** Of a group, beside core's tags and those that the services of containers have: what its machines were made by, and of. */
export const TEMPLATE_TAG = 'launch_template';
export const SOURCE_TAG = 'source';
/** The ids of the EBS volumes that its machine mounts. */
export const DISKS_TAG = 'disks';
