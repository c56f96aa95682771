package hostd

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
)

// A flagSet is the command line of a Mesos process: flag → value.
type flagSet map[string]string

// readFlags composes the command line as the packages' start wrapper does: variables of
// /etc/default/mesos and /etc/default/UNIT that it knows, then one flag for every file of
// /etc/UNIT/. A flag that comes twice, or that the program does not know, stops it.
func (u *unit) readFlags(variables map[string]string, known []string, defaults flagSet) (flagSet, error) {
	flags := flagSet{}
	set := func(name, value string) error {
		if _, twice := flags[name]; twice {
			return refuse(1, "Failed to load flag '%s': already loaded", name)
		}
		if !contains(known, name) {
			return refuse(1, "Failed to load unknown flag '%s'", name)
		}
		flags[name] = value
		return nil
	}
	vars := u.host.shellVariables("/etc/default/mesos", "/etc/default/"+u.name)
	for _, v := range vars {
		if flag := variables[v.name]; flag != "" && v.value != "" {
			if err := set(flag, v.value); err != nil {
				return nil, err
			}
		}
	}
	if err := u.host.flagFiles("/etc/"+u.name, set); err != nil {
		return nil, err
	}
	for _, v := range vars { // the environment: what the command line says wins in silence
		name, ok := strings.CutPrefix(v.name, "MESOS_")
		if name = strings.ToLower(name); ok && flags[name] == "" && contains(known, name) {
			flags[name] = v.value
		}
	}
	for name, value := range defaults {
		if _, ok := flags[name]; !ok {
			flags[name] = value
		}
	}
	return flags, nil
}

// flagFiles reads a folder with a file per flag. Names that begin with ? are flags without
// a value; folders in it (attributes, resources) are joined to NAME:VALUE;…
func (h *Host) flagFiles(dir string, set func(name, value string) error) error {
	name, err := h.inRoot(dir)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return refuse(1, "read %s: %v", dir, cause(err))
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		flag, value := e.Name(), ""
		if bare, ok := strings.CutPrefix(flag, "?"); ok {
			flag, value = bare, "true"
			if no, negated := strings.CutPrefix(bare, "no-"); negated {
				flag, value = no, "false"
			}
			if flag == "logger" {
				continue // the wrapper's own
			}
		} else if value, err = h.flagValue(path.Join(dir, flag)); err != nil {
			return refuse(1, "read %s: %v", path.Join(dir, flag), cause(err))
		}
		if err := set(flag, value); err != nil {
			return err
		}
	}
	return nil
}

// flagValue is what a file or folder of flags says. Only line ends at the end of a file are cut.
func (h *Host) flagValue(file string) (string, error) {
	name, err := h.inRoot(file)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		text, err := os.ReadFile(name)
		return strings.TrimRight(string(text), "\n"), err
	}
	entries, err := os.ReadDir(name)
	var parts []string
	for _, e := range entries {
		text, err := os.ReadFile(name + "/" + e.Name())
		if err != nil {
			return "", err
		}
		parts = append(parts, e.Name()+":"+strings.TrimRight(string(text), "\n"))
	}
	return strings.Join(parts, ";"), err
}

// shellVariables reads the assignments of files that a shell sources: plain, quoted, or
// the output of cat FILE. Files that are not there have none.
func (h *Host) shellVariables(files ...string) []property {
	var out []property
	for _, f := range files {
		text, err := h.read(f)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
			if ok && !strings.HasPrefix(name, "#") {
				out = append(out, property{name, h.shellValue(value)})
			}
		}
	}
	return out
}

func (h *Host) shellValue(v string) string {
	v = strings.Trim(v, `"`)
	v = strings.Trim(v, `'`)
	if inner, ok := strings.CutPrefix(v, "`cat "); ok {
		v = "$(cat " + strings.TrimSuffix(inner, "`") + ")"
	}
	if inner, ok := strings.CutPrefix(v, "$(cat "); ok {
		text, _ := h.read(strings.TrimSuffix(inner, ")"))
		return strings.TrimRight(string(text), "\n")
	}
	return v
}

// masterDefaults are what /flags of a master of 1.11 shows for flags that were not given.
func masterDefaults() flagSet {
	return flagSet{
		"agent_ping_timeout": "15secs", "agent_reregister_timeout": "10mins", "allocation_interval": "1secs", "allocator": "hierarchical",
		"hostname_lookup": "true", "log_auto_initialize": "true", "logbufsecs": "0", "logging_level": "INFO", "max_agent_ping_timeouts": "5",
		"port": "5050", "quiet": "false", "recovery_agent_removal_limit": "100%", "registry": "replicated_log", "registry_fetch_timeout": "1mins",
		"registry_store_timeout": "20secs", "root_submissions": "true", "zk_session_timeout": "10secs",
	}
}

// agentDefaults are the same of an agent.
func agentDefaults() flagSet {
	return flagSet{
		"containerizers": "mesos", "default_role": "*", "disk_watch_interval": "1mins", "executor_registration_timeout": "1mins",
		"executor_shutdown_grace_period": "5secs", "gc_delay": "1weeks", "gc_disk_headroom": "0.1", "hostname_lookup": "true",
		"isolation": "posix/cpu,posix/mem", "logbufsecs": "0", "logging_level": "INFO", "port": "5051", "quiet": "false",
		"reconfiguration_policy": "equal", "recover": "reconnect", "recovery_timeout": "15mins", "registration_backoff_factor": "1secs",
		"strict": "true", "switch_user": "true",
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// sharedFlags are those that masters and agents of Mesos 1.11 have in common.
func sharedFlags() []string {
	return strings.Fields(`acls advertise_ip advertise_port authentication_v0_timeout authorizers credential credentials domain external_log_file
		firewall_rules help hooks hostname hostname_lookup http_authenticators initialize_driver_logging ip ip_discovery_command
		log_dir logbufsecs logging_level modules modules_dir port quiet rate_limits version work_dir memory_profiling
		authenticate_http_readonly authenticate_http_readwrite zk_session_timeout`)
}

func masterFlags() []string {
	return append(sharedFlags(), strings.Fields(`agent_ping_timeout agent_removal_rate_limit agent_reregister_timeout allocation_interval
		allocator authenticate authenticate_agents authenticate_frameworks authenticate_http_frameworks authenticate_slaves authenticators
		authentication_timeout cluster fair_sharing_excluded_resource_names filter_gpu_resources framework_sorter http_framework_authenticators
		log_auto_initialize max_agent_ping_timeouts max_completed_frameworks max_completed_tasks_per_framework max_operator_event_stream_subscribers
		max_slave_ping_timeouts max_unreachable_tasks_per_framework min_allocatable_resources offer_constraints_re2_max_mem
		offer_constraints_re2_max_program_size offer_timeout publish_per_framework_metrics quorum recovery_agent_removal_limit
		recovery_slave_removal_limit registry registry_fetch_timeout registry_gc_interval registry_max_agent_age registry_max_agent_count
		registry_store_timeout registry_strict require_agent_domain role_sorter roles root_submissions slave_ping_timeout
		slave_removal_rate_limit slave_reregister_timeout user_sorter webui_dir weights whitelist zk`)...)
}

func agentFlags() []string {
	return append(sharedFlags(), strings.Fields(`agent_features appc_simple_discovery_uri_prefix appc_store_dir attributes
		authenticate_http_executors authenticatee authentication_backoff_factor authentication_timeout_max authentication_timeout_min
		cgroups_destroy_timeout cgroups_enable_cfs cgroups_hierarchy cgroups_limit_swap cgroups_net_cls_primary_handle
		cgroups_net_cls_secondary_handles cgroups_root check_agent_port_range_only command_isolator_params container_disk_watch_interval
		containerizers csi_plugin_config_dir default_container_dns default_container_info default_role default_shm_size disallow_sharing_agent_ipc_namespace
		disallow_sharing_agent_pid_namespace disk_profile_adaptor disk_watch_interval docker docker_config docker_ignore_runtime docker_kill_orphans
		docker_mesos_image docker_registry docker_remove_delay docker_socket docker_stop_timeout docker_store_dir docker_volume_checkpoint_dir
		docker_volume_chown effective_capabilities bounding_capabilities enforce_container_disk_quota enforce_container_ports
		executor_environment_variables executor_registration_timeout executor_reregistration_retry_interval executor_reregistration_timeout
		executor_secret_key executor_shutdown_grace_period fetcher_cache_dir fetcher_cache_size fetcher_stall_timeout frameworks_home gc_delay gc_disk_headroom
		gc_non_executor_container_sandboxes hadoop_home host_path_volume_force_creation http_command_executor http_credentials
		http_executor_authenticators http_heartbeat_interval image_gc_config image_providers image_provisioner_backend isolation
		jwt_secret_key launcher launcher_dir master master_detector max_completed_executors_per_framework
		max_disk_project_id network_cni_config_dir network_cni_plugins_dir network_cni_root_dir_persist nvidia_gpu_devices
		oversubscribed_resources_interval perf_duration perf_events perf_interval port_range qos_controller qos_correction_interval_min
		reconfiguration_policy recover recovery_timeout registration_backoff_factor resource_estimator resource_provider_config_dir resources
		revocable_cpu_low_priority runtime_dir sandbox_directory secret_resolver strict switch_user systemd_enable_support
		systemd_runtime_directory volume_gid_range volume_secret_dir xfs_kill_containers xfs_project_range`)...)
}
