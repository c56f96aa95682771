package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A flagSet is what a process was started with: flag → value, defaults included.
type flagSet map[string]string

// A refusal is why a process does not start, or ends, in the words of Mesos.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// readFlags reads --flag=value, --flag and --no-flag. An unknown flag, and one that comes
// twice, is refused. MESOS_FLAG of the environment holds where the command line is silent;
// an unknown one is ignored.
func readFlags(args, environ, known []string, defaults flagSet) (flagSet, error) {
	flags := flagSet{}
	for _, arg := range args {
		name, value, valued := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if !strings.HasPrefix(arg, "--") {
			return nil, refuse("Failed to load unknown flag '%s'", arg)
		}
		if !valued {
			value = "true"
			if no, negated := strings.CutPrefix(name, "no-"); negated {
				name, value = no, "false"
			}
		}
		if !slices.Contains(known, name) {
			return nil, refuse("Failed to load unknown flag '%s'", name)
		}
		if _, twice := flags[name]; twice {
			return nil, refuse("Flag '%s' is already loaded via name '%s'", name, name)
		}
		flags[name] = value
	}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		name, ours := strings.CutPrefix(name, "MESOS_")
		name = strings.ToLower(name)
		if _, given := flags[name]; ours && !given && slices.Contains(known, name) {
			flags[name] = value
		}
	}
	for name, value := range flags {
		if file, ok := strings.CutPrefix(value, "file://"); ok {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, refuse("Failed to load flag '%s': Error reading file '%s': %v", name, file, err)
			}
			flags[name] = strings.TrimRight(string(text), "\n")
		}
	}
	for name, value := range defaults {
		if _, given := flags[name]; !given {
			flags[name] = value
		}
	}
	return flags, nil
}

// port is checked and kept as text.
func (f flagSet) port() (string, error) {
	if n, err := strconv.Atoi(f["port"]); err != nil || n < 1 || n > 65535 {
		return "", refuse("Failed to load flag 'port': Failed to load value '%s'", f["port"])
	}
	return f["port"], nil
}

func masterDefaults() flagSet {
	return flagSet{
		"agent_ping_timeout": "15secs", "agent_reregister_timeout": "10mins", "allocation_interval": "1secs",
		"allocator": "hierarchical", "hostname_lookup": "true", "log_auto_initialize": "true", "logbufsecs": "0",
		"logging_level": "INFO", "max_agent_ping_timeouts": "5", "port": "5050", "quiet": "false",
		"recovery_agent_removal_limit": "100%", "registry": "replicated_log", "registry_fetch_timeout": "1mins",
		"registry_store_timeout": "20secs", "root_submissions": "true", "zk_session_timeout": "10secs",
	}
}

func agentDefaults() flagSet {
	return flagSet{
		"containerizers": "mesos", "default_role": "*", "disk_watch_interval": "1mins",
		"executor_registration_timeout": "1mins", "executor_shutdown_grace_period": "5secs", "gc_delay": "1weeks",
		"gc_disk_headroom": "0.1", "hostname_lookup": "true", "isolation": "posix/cpu,posix/mem", "logbufsecs": "0",
		"logging_level": "INFO", "port": "5051", "quiet": "false", "reconfiguration_policy": "equal",
		"recover": "reconnect", "recovery_timeout": "15mins", "registration_backoff_factor": "1secs", "strict": "true",
		"switch_user": "true",
	}
}

// sharedFlags, masterFlags and agentFlags are the flags of Mesos 1.11 that clusters set;
// the long tail of its experimental ones is left out.
func sharedFlags() []string {
	return strings.Fields(`acls advertise_ip advertise_port authenticate_http_readonly authenticate_http_readwrite
		authentication_v0_timeout authorizers credential credentials domain external_log_file firewall_rules hooks
		hostname hostname_lookup http_authenticators initialize_driver_logging ip ip_discovery_command log_dir
		logbufsecs logging_level memory_profiling modules modules_dir port quiet work_dir zk_session_timeout`)
}

func masterFlags() []string {
	return append(sharedFlags(), strings.Fields(`agent_ping_timeout agent_removal_rate_limit agent_reregister_timeout
		allocation_interval allocator authenticate authenticate_agents authenticate_frameworks
		authenticate_http_frameworks authenticate_slaves authenticators cluster fair_sharing_excluded_resource_names
		filter_gpu_resources framework_sorter log_auto_initialize max_agent_ping_timeouts max_completed_frameworks
		max_completed_tasks_per_framework max_slave_ping_timeouts min_allocatable_resources offer_timeout
		publish_per_framework_metrics quorum rate_limits recovery_agent_removal_limit recovery_slave_removal_limit
		registry registry_fetch_timeout registry_gc_interval registry_max_agent_age registry_max_agent_count
		registry_store_timeout registry_strict require_agent_domain role_sorter roles root_submissions
		slave_ping_timeout slave_removal_rate_limit slave_reregister_timeout user_sorter webui_dir weights whitelist
		zk`)...)
}

func agentFlags() []string {
	return append(sharedFlags(), strings.Fields(`agent_features appc_store_dir attributes authenticatee
		authentication_backoff_factor cgroups_destroy_timeout cgroups_enable_cfs cgroups_hierarchy cgroups_limit_swap
		cgroups_root container_disk_watch_interval containerizers default_container_dns default_container_info
		default_role disk_watch_interval docker docker_config docker_kill_orphans docker_mesos_image docker_registry
		docker_remove_delay docker_socket docker_stop_timeout docker_store_dir effective_capabilities
		enforce_container_disk_quota executor_environment_variables executor_registration_timeout
		executor_reregistration_timeout executor_shutdown_grace_period fetcher_cache_dir fetcher_cache_size
		frameworks_home gc_delay gc_disk_headroom hadoop_home http_command_executor http_credentials image_gc_config
		image_providers image_provisioner_backend isolation launcher launcher_dir master master_detector
		max_completed_executors_per_framework network_cni_config_dir network_cni_plugins_dir nvidia_gpu_devices
		oversubscribed_resources_interval qos_controller reconfiguration_policy recover recovery_timeout
		registration_backoff_factor resource_estimator resource_provider_config_dir resources
		revocable_cpu_low_priority runtime_dir sandbox_directory secret_resolver strict switch_user
		systemd_enable_support systemd_runtime_directory volume_gid_range xfs_project_range`)...)
}
